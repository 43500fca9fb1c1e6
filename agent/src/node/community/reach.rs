//! How members are reached over the mesh, and how fast they answer.

use std::collections::BTreeMap;

use nuvol_community::address::HostId;

/// Which way packets to a member take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeshPath {
    /// Straight to it.
    Direct,
    /// Straight to it, through one connection: something on the way lets no single packets through.
    DirectTcp,
    /// Through another member, or through one that is not known.
    Relayed(Option<HostId>),
    /// Nothing was sent yet.
    Untried,
    /// There is none, and why, as far as it is known.
    None(Option<NoPath>),
}

/// Why there is no way to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPath {
    /// None of its endpoints can be called.
    CannotConnect,
    /// It was called, and says nothing.
    NoAnswer,
    /// Whoever is there does not have its key.
    NotBelieved,
    /// It hangs up.
    HungUp,
}

/// How members are reached, by their place in the mesh.
pub type MeshPaths = BTreeMap<HostId, MeshPath>;

/// How long members that answer take to do so, there and back, in ms; by their place in the mesh.
pub type Latencies = BTreeMap<HostId, u32>;
