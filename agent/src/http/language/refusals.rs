//! Why something was refused, in words: what is wrong and the way out.

use nuvol_community::invitation::NoInvitation;

use super::Language;
use crate::http::context::Wrong;
use crate::node::command::{Field, Refusal};
use crate::node::people::Unfit;
use crate::node::people::names::Unfitting;
use crate::node::setting;

impl Language {
    /// Why the one who asked gets nothing.
    pub fn refusal(self, refusal: &Refusal) -> String {
        match refusal {
            Refusal::SignInFirst => self.say("refusal-sign-in-first"),
            Refusal::NotAllowed => self.say("refusal-not-allowed"),
            Refusal::Wait { seconds } => self.with("refusal-wait", "time", self.duration(*seconds)),
            Refusal::Claimed => self.say("refusal-claimed"),
            Refusal::NoTicket => self.say("refusal-no-ticket"),
            Refusal::NoSuch => self.say("refusal-no-such"),
            Refusal::Unfit(unfit) => self.say(match unfit {
                Unfit::NameTaken => "unfit-name-taken",
                Unfit::Full => "refusal-full",
                Unfit::Gone => "refusal-no-such",
                Unfit::LastOwner => "unfit-last-owner",
            }),
            Refusal::Fields(_) => self.say("refusal-fields"),
            Refusal::Busy(_) => self.say("refusal-busy"),
            Refusal::Full => self.say("refusal-full"),
            Refusal::Already => self.say("refusal-already"),
            Refusal::NoCommunity => self.say("refusal-no-community"),
            Refusal::Invitation(no) => self.say(match no {
                NoInvitation::Scheme => "refusal-invitation-scheme",
                NoInvitation::Damaged => "refusal-invitation-damaged",
                NoInvitation::Later => "refusal-invitation-later",
            }),
            Refusal::Expired => self.say("refusal-invitation-expired"),
            Refusal::NotOffered => self.say("refusal-not-offered"),
            Refusal::NotSaved(detail) => self.with("refusal-not-saved", "detail", detail),
            Refusal::Trouble(trouble) => {
                format!("{} {}", self.trouble(trouble), self.remedy(trouble))
            }
        }
    }

    /// What is wrong with a field.
    pub fn wrong(self, wrong: &Wrong) -> String {
        match wrong {
            Wrong::Unfitting(unfitting) => self.unfitting(*unfitting),
            Wrong::NameTaken => self.say("unfit-name-taken"),
            Wrong::Code => self.say("wrong-code"),
            Wrong::Password => self.say("wrong-password"),
            Wrong::Field(field) => self.field(field),
            Wrong::NothingChosen => self.say("wrong-nothing-chosen"),
            Wrong::OldPassword => self.say("wrong-old-password"),
            Wrong::LastOwner => self.say("unfit-last-owner"),
            Wrong::Refused(refusal) => self.refusal(refusal),
            Wrong::Place(place) => self.with("wrong-place", "place", place),
            Wrong::Record(why) => self.with("wrong-record", "why", why),
            Wrong::TooMany { limit } => self.with("wrong-too-many", "limit", *limit),
        }
    }

    fn unfitting(self, unfitting: Unfitting) -> String {
        match unfitting {
            Unfitting::Empty => self.say("unfitting-empty"),
            Unfitting::TooLong { limit } => self.with("unfitting-too-long", "limit", limit),
            Unfitting::TooShort { least } => self.with("unfitting-too-short", "least", least),
            Unfitting::Hidden => self.say("unfitting-hidden"),
            Unfitting::Guessable => self.say("unfitting-guessable"),
            Unfitting::Different => self.say("unfitting-different"),
        }
    }

    /// What is wrong with a value that the node refuses.
    pub fn field(self, field: &Field) -> String {
        match field {
            Field::Unknown => self.say("field-unknown"),
            Field::NodeName => self.say("field-node-name"),
            Field::Setting(wrong) => match wrong {
                setting::Wrong::TooLong { limit } => self.with("unfitting-too-long", "limit", *limit),
                setting::Wrong::NotANumber => self.say("field-not-a-number"),
                setting::Wrong::TooSmall { min } => self.with("field-too-small", "min", *min),
                setting::Wrong::TooLarge { max } => self.with("field-too-large", "max", *max),
                setting::Wrong::NotAChoice => self.say("wrong-nothing-chosen"),
                setting::Wrong::Empty => self.say("unfitting-empty"),
                setting::Wrong::Control => self.say("unfitting-hidden"),
            },
        }
    }
}
