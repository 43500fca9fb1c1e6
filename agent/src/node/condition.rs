//! The condition of the node: what only its owner can mend, and the room on its disks.

/// Something that the owner has to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What does not work because of it.
    pub effect: Effect,
    /// What is wrong and where, with the way out: from the system, in English.
    pub cause: String,
}

/// What does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Pages come without encryption, so nobody can sign in.
    HttpsOff,
    /// The node has no key, so no other node can know it.
    NoIdentity,
    /// There is no claim code.
    NoClaim,
    /// Nobody knows which image this is.
    ImageUnknown,
    /// The catalogue cannot be read.
    ServicesUnknown,
    /// One of its services cannot be read.
    ServiceHidden(String),
    /// The list of people was damaged; the node can be claimed anew.
    PeopleLost,
    /// The list of operations was damaged.
    OperationsLost,
    /// What the node remembers about itself was damaged.
    PreferencesLost,
    /// What the node remembers of its community was damaged: invitations, and what is offered to whom.
    CommunityLost,
    /// The invitation that was set before boot is none, or too old.
    InvitationUnfit,
    /// The firewall could not be set, so what it lets through is what it was.
    FirewallStuck,
    /// The helper does not answer, so nothing can be switched.
    HelperAway,
}

/// A disk and the room on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// What lies there.
    pub place: Place,
    /// Bytes that are free.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

/// What lies on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The system.
    System,
    /// What people and services keep.
    Data,
}

impl Disk {
    /// Less is free than an update or an evening's files need.
    pub fn is_tight(&self) -> bool {
        self.free < 128 << 20 || (self.free < 1 << 30 && self.free < self.total / 20)
    }

    /// Nothing can be written any more.
    pub fn is_full(&self) -> bool {
        self.free < 4 << 20
    }
}
