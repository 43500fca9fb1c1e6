//! Everything that takes in bytes of others, one target at a time: `NUVOL_FUZZ=head`. What it may not do is panic,
//! hang, or say something that the target's own rule forbids. `ci/fuzz` builds and runs it.
//!
//! `NUVOL_FUZZ=samples nuvol-agent-fuzz -runs=0` writes what nodes say to each other into `agent/fuzz/corpus`.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use nuvol_agent::{bus, ctl, helper, http, node, services, state};

mod board;
mod gossip;
mod invitation;
mod join;
mod kit;
mod object;
mod samples;

fuzz_target!(|bytes: &[u8]| {
    static TARGET: OnceLock<String> = OnceLock::new();
    let target = TARGET.get_or_init(|| std::env::var("NUVOL_FUZZ").expect("NUVOL_FUZZ names the target"));
    match target.as_str() {
        "head" => http::fuzz::head(bytes),
        "bodies" => http::fuzz::bodies(bytes),
        "code" => {
            http::fuzz::code(bytes);
            state::fuzz::code(bytes);
        }
        "document" => state::fuzz::document(bytes),
        "catalogue" => services::fuzz(bytes),
        "person" => person(bytes),
        "helper" => helper::fuzz::bytes(bytes),
        "seed" => seed(bytes),
        "typed" => ctl::fuzz(bytes),
        "txt" => bus::avahi::fuzz::txt(bytes),
        "object" => object::object(bytes),
        "board" => board::board(bytes),
        "invitation" => invitation::invitation(bytes),
        "join" => join::join(bytes),
        "gossip" => gossip::gossip(bytes),
        "samples" => samples::write(),
        other => panic!("there is no target `{other}`"),
    }
});

fn person(bytes: &[u8]) {
    use node::people::names::{PersonName, check_password};
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (name, password) = text.split_once('\n').unwrap_or((text, text));
    if let Ok(name) = PersonName::new(name) {
        assert!(!name.key().is_empty());
        assert_eq!(PersonName::new(&name).as_ref(), Ok(&name));
    }
    if check_password(password, name, "nuvol").is_ok() {
        assert!(password.chars().count() >= 10);
    }
}

/// The configuration before boot, from a partition that anybody may have written to.
fn seed(bytes: &[u8]) {
    let read = nuvol_seed::read_bytes(bytes);
    for section in nuvol_seed::Section::ALL {
        assert!(!(read.config.has(section) && (read.is_void() || read.is_refused(section))), "{section:?}");
    }
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
    assert!(read.problems.iter().all(|it| (1..=lines).contains(&it.span.line) && it.span.column > 0));
    if let (true, Ok(text)) = (read.problems.is_empty(), std::str::from_utf8(bytes)) {
        nuvol_seed::with_claim_code_hash(text, HASH).expect("a valid file takes a claim code");
    }
}

const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$3gZNX/1hDCIQn8nLFy5ACXXuXt2tDUEmCsQEzYFKaZo";
