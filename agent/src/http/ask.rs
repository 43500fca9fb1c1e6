//! From a request to the heart and back.

use tokio::sync::{mpsc, oneshot};

use crate::node::command::{Command, Refusal, Reply};
use crate::node::operation::Trouble;
use crate::node::rights::Actor;

/// A question on its way to the heart.
#[derive(Debug)]
pub struct Question {
    /// Who asks.
    pub actor: Actor,
    /// Where they are.
    pub from: String,
    /// What they want.
    pub command: Command,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<Reply, Refusal>>,
}

/// Asks the heart.
#[derive(Debug, Clone)]
pub struct Asker(pub mpsc::Sender<Question>);

impl Asker {
    /// Asks and waits for the answer.
    pub async fn ask(&self, actor: Actor, from: String, command: Command) -> Result<Reply, Refusal> {
        let (answer, reply) = oneshot::channel();
        let gone = |_| Refusal::Trouble(Trouble::Interrupted);
        // Only when the agent ends does nobody listen any more.
        if self.0.send(Question { actor, from, command, answer }).await.is_err() {
            return Err(Refusal::Trouble(Trouble::Interrupted));
        }
        reply.await.unwrap_or_else(|error| Err(gone(error)))
    }
}
