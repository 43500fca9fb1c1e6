//! All tests of the agent from outside in one program: linked once, and run side by side.

mod api;
mod architecture;
mod attacks;
mod avahi;
mod bus;
mod common;
mod ctl;
mod durable;
mod firewall;
mod foreign;
mod forms;
mod helper;
mod live;
mod mesh;
mod pages;
mod parity;
mod process;
mod support;
