//! Nuvol builds community-cloud images from declarative profiles.
//!
//! The modules stand in the order of the flow: what people write (`spec`) becomes every
//! decision made (`plan`), becomes files (`overlay`), becomes a root file system (`rootfs`),
//! a disk, images and a release. `host`, `store` and `remote` are the doors to programs, to the
//! shelf and to a cache that machines share; `workshop` hands them to the stages; `vm` boots what came out,
//! and `lab` makes a community of it.
//!
//! The whole map, and what may depend on what, is in `docs/ARCHITECTURE.md`.

pub mod spec;

pub mod plan;

pub mod overlay;

pub mod rootfs;

pub mod disk;

pub mod image;

pub mod release;

pub mod pipeline;

pub mod host;
pub mod remote;
pub mod report;
pub mod store;
pub mod workshop;

pub mod vm;

pub mod lab;

pub mod media;

pub mod cli;
