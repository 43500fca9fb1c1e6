//! Everything that takes in bytes of others, one target at a time: `NUVOL_FUZZ=head`. What it may not do is panic,
//! hang, or say something that the target's own rule forbids. `ci/fuzz` builds and runs it.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use nuvol_agent::{ctl, helper, http, node, services, state};

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
        "typed" => ctl::fuzz(bytes),
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
