//! What people write: profiles, the catalogue and overlays, as text that has been checked.

mod architecture;
mod catalog;
mod deserializer;
mod files;
mod format;
mod made_up;
mod names;
mod problem;
mod profile;
mod read;
pub mod report;
mod scope;
mod setting;
mod size;
mod source;
mod tree;
mod wrong;
pub mod yaml;

pub use architecture::{Architecture, Only};
pub use catalog::{
    AnnounceSpec, Catalog, PackageList, PortSpec, ProbeSpec, Protocol, Role, ServiceSpec, Start,
};
pub use files::{Content, File};
pub use format::Format;
pub use names::{
    DnsSdType, HostName, ImagePath, KernelArgument, KeyringName, MirrorUrl, OverlayName, PackageName,
    PackageRef, ProfileName, ServiceName, SetName, SnapshotTime, UnitName, VariableName, Version, Word,
};
pub use problem::{Problem, Problems};
pub use profile::{ArchiveSpec, DiskSpec, FileSystem, Profile, Removal, RootSize, RootSpec, Scalar};
pub use read::{Damaged, Document, read};
pub use scope::{Scope, Scopes};
pub use setting::{ChoiceSpec, SettingKind, SettingSpec, ShownSpec};
pub use size::ByteSize;
pub use source::{At, Place, Source, Span};
pub use tree::{Catalogue, OverlayFolder, Tree};
