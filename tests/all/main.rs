//! All tests of `nuvol` from outside in one program: linked once, and run side by side.

mod architecture;
mod check;
mod common;
mod flash;
mod locks;
mod mirrors;
mod plans;
mod seed;
mod vm;
