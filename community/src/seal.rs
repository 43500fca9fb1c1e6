//! How members know who speaks: each message is signed by its sender, for one receiver, and counts once.
//!
//! The mesh encrypts on the way, but it is a cable and no authority: whoever sits in it can send what they like.

use std::collections::BTreeMap;

use crate::address::{CommunityId, HostId};
use crate::identity::{NodeKey, hash};
use crate::members::Members;

/// How much longer a sealed message is than what it says.
pub const OVERHEAD_BYTES: usize = 1 + 8 + 8 + 64;

const VERSION: u8 = 1;
const MESSAGE: &[u8] = b"nuvol-message-1";
const REPLY: &[u8] = b"nuvol-reply-1";
/// How far behind the newest number a message may come, as in IPsec (RFC 4303, section 3.4.3).
const WINDOW: u64 = 64;

/// What a message travels on: one for a datagram is none for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Datagrams, which may overtake each other.
    Datagram = 1,
    /// Requests on streams.
    Stream = 2,
}

/// Signs what this node sends.
#[derive(Debug)]
pub struct Sealer {
    channel: Channel,
    community: CommunityId,
    me: HostId,
    count: u64,
}

/// Opens what others sent, each message once.
#[derive(Debug)]
pub struct Opener {
    channel: Channel,
    seen: BTreeMap<HostId, (u64, u64)>,
}

/// A message that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Who sent it.
    pub from: HostId,
    /// Its number.
    pub count: u64,
    /// What it says.
    pub body: &'a [u8],
}

/// Why a message counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Not of the form.
    #[error("not a message")]
    Form,
    /// No member sent it.
    #[error("from nobody who is a member")]
    Stranger,
    /// Signed otherwise, or meant for somebody else.
    #[error("signed by somebody else or for somebody else")]
    Signature,
    /// It was here before, or is too old to tell.
    #[error("it came before")]
    Again,
}

impl Sealer {
    /// For a member. Numbers begin after `run`, which is higher than all that earlier runs have used.
    pub fn new(channel: Channel, community: CommunityId, me: HostId, run: u64) -> Self {
        Self { channel, community, me, count: run }
    }

    /// Signs a message.
    pub fn seal(&mut self, key: &NodeKey, to: HostId, body: &[u8]) -> Vec<u8> {
        self.count += 1;
        let mut bytes = Vec::with_capacity(body.len() + OVERHEAD_BYTES);
        bytes.push(VERSION);
        bytes.extend(self.me.0.to_be_bytes());
        bytes.extend(self.count.to_be_bytes());
        bytes.extend(body);
        let signature =
            key.sign(&[MESSAGE, &[self.channel as u8], &self.community.0, &to.0.to_be_bytes(), &bytes]);
        bytes.extend(signature);
        bytes
    }
}

impl Opener {
    /// For one channel.
    pub fn new(channel: Channel) -> Self {
        Self { channel, seen: BTreeMap::new() }
    }

    /// Opens a message to `me`.
    ///
    /// # Errors
    ///
    /// Says why it counts for nothing.
    pub fn open<'a>(
        &mut self,
        community: &CommunityId,
        members: &Members,
        me: HostId,
        bytes: &'a [u8],
    ) -> Result<Message<'a>, Broken> {
        let (signed, signature) = bytes.split_last_chunk::<64>().ok_or(Broken::Form)?;
        let (head, body) = signed.split_first_chunk::<17>().ok_or(Broken::Form)?;
        let [version, rest @ ..] = head;
        let (from, count) = rest.split_first_chunk::<8>().ok_or(Broken::Form)?;
        let count = u64::from_be_bytes(count.try_into().map_err(|_| Broken::Form)?);
        let from = HostId(u64::from_be_bytes(*from));
        if *version != VERSION {
            return Err(Broken::Form);
        }
        let member = members.at(from).ok_or(Broken::Stranger)?;
        if !self.is_new(from, count) {
            return Err(Broken::Again);
        }
        if !member
            .id
            .verifies(&[MESSAGE, &[self.channel as u8], &community.0, &me.0.to_be_bytes(), signed], signature)
        {
            return Err(Broken::Signature);
        }
        self.note(from, count);
        Ok(Message { from, count, body })
    }

    /// Forgets those who are no members any more.
    pub fn keep(&mut self, members: &Members) {
        self.seen.retain(|host, _| members.at(*host).is_some());
    }

    fn is_new(&self, from: HostId, count: u64) -> bool {
        let Some((newest, bits)) = self.seen.get(&from) else { return true };
        match newest.checked_sub(count) {
            None => true,
            Some(behind) => behind < WINDOW && bits >> behind & 1 == 0,
        }
    }

    fn note(&mut self, from: HostId, count: u64) {
        let (newest, bits) = self.seen.entry(from).or_insert((count, 0));
        if count > *newest {
            *bits = bits.checked_shl(u32::try_from(count - *newest).unwrap_or(u32::MAX)).unwrap_or(0);
            *newest = count;
        }
        *bits |= 1 << (*newest - count);
    }
}

/// Signs what a member answers on a stream: it is for one request.
pub fn reply(key: &NodeKey, community: &CommunityId, request: &[u8], body: &[u8]) -> Vec<u8> {
    let signature = key.sign(&[REPLY, &community.0, &hash("nuvol-request-1", &[request]), body]);
    [body, &signature].concat()
}

/// Opens the answer of a member to a request.
///
/// # Errors
///
/// Where somebody else answered, or something else.
pub fn open_reply<'a>(
    community: &CommunityId,
    members: &Members,
    from: HostId,
    request: &[u8],
    bytes: &'a [u8],
) -> Result<&'a [u8], Broken> {
    let (body, signature) = bytes.split_last_chunk::<64>().ok_or(Broken::Form)?;
    let member = members.at(from).ok_or(Broken::Stranger)?;
    let request = hash("nuvol-request-1", &[request]);
    if member.id.verifies(&[REPLY, &community.0, &request, body], signature) {
        Ok(body)
    } else {
        Err(Broken::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::{Broken, Channel, Opener, Sealer, open_reply, reply};
    use crate::address::{CommunityId, HostId};
    use crate::identity::NodeKey;
    use crate::members::Members;
    use crate::text::Name;

    const COMMUNITY: CommunityId = CommunityId([1; 16]);
    const ME: HostId = HostId(9);

    fn key() -> NodeKey {
        NodeKey::from_bytes(&[1; 32])
    }

    fn members() -> Members {
        Members::new(key().id(), &Name::new("one").unwrap(), [], [])
    }

    #[test]
    fn a_message_counts_once() {
        let mut sealer = Sealer::new(Channel::Datagram, COMMUNITY, HostId::from(&key().id()), 1000);
        let mut opener = Opener::new(Channel::Datagram);
        let messages: Vec<_> = (0..200_u8).map(|it| sealer.seal(&key(), ME, &[it])).collect();
        let open = |opener: &mut Opener, it: usize| {
            opener.open(&COMMUNITY, &members(), ME, &messages[it]).map(|it| it.body.to_vec())
        };
        assert_eq!(open(&mut opener, 10), Ok(vec![10]));
        assert_eq!(open(&mut opener, 10), Err(Broken::Again));
        // Overtaken on the way.
        assert_eq!(open(&mut opener, 9), Ok(vec![9]));
        assert_eq!(open(&mut opener, 9), Err(Broken::Again));
        assert_eq!(open(&mut opener, 73), Ok(vec![73]));
        assert_eq!(open(&mut opener, 11), Ok(vec![11]));
        assert_eq!(open(&mut opener, 8), Err(Broken::Again));
        assert_eq!(open(&mut opener, 199), Ok(vec![199]));
        assert_eq!(open(&mut opener, 73), Err(Broken::Again));
    }

    #[test]
    fn a_message_is_for_one() {
        let mut sealer = Sealer::new(Channel::Datagram, COMMUNITY, HostId::from(&key().id()), 1000);
        let message = sealer.seal(&key(), ME, b"hello");
        let mut opener = Opener::new(Channel::Datagram);
        let mut open = |community: CommunityId, me, bytes: &[u8]| {
            opener.open(&community, &members(), me, bytes).map(|it| it.body.to_vec())
        };
        assert_eq!(open(COMMUNITY, HostId(8), &message), Err(Broken::Signature));
        assert_eq!(open(CommunityId([2; 16]), ME, &message), Err(Broken::Signature));
        let stranger = NodeKey::from_bytes(&[2; 32]);
        let theirs = Sealer::new(Channel::Datagram, COMMUNITY, HostId::from(&stranger.id()), 1)
            .seal(&stranger, ME, b"hello");
        assert_eq!(open(COMMUNITY, ME, &theirs), Err(Broken::Stranger));
        assert_eq!(open(COMMUNITY, ME, &message[..80]), Err(Broken::Form));
        let mut other = Opener::new(Channel::Stream);
        assert_eq!(other.open(&COMMUNITY, &members(), ME, &message), Err(Broken::Signature));
        // Nothing of all that made the true one unheard.
        assert_eq!(open(COMMUNITY, ME, &message), Ok(b"hello".to_vec()));
    }

    #[test]
    fn a_reply_is_to_one_request() {
        let from = HostId::from(&key().id());
        let bytes = reply(&key(), &COMMUNITY, b"how are you", b"well");
        let open =
            |request: &[u8]| open_reply(&COMMUNITY, &members(), from, request, &bytes).map(<[u8]>::to_vec);
        assert_eq!(open(b"how are you"), Ok(b"well".to_vec()));
        assert_eq!(open(b"where are you"), Err(Broken::Signature));
    }
}
