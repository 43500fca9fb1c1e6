//! Two nodes made from one image must share nothing that tells nodes apart. Pure.

use super::verdict::Identity;

/// What two nodes share though they must not; empty is good.
pub fn shared(one: &Identity, other: &Identity) -> Vec<String> {
    let pairs = [
        ("machine-id", &one.machine_id, &other.machine_id),
        ("host name", &one.hostname, &other.hostname),
        ("claim code", &one.claim_code, &other.claim_code),
        ("agent's key", &one.node_key, &other.node_key),
    ];
    let mut shared: Vec<String> = pairs
        .into_iter()
        .filter(|(_, one, other)| one == other)
        .map(|(what, value, _)| format!("both clones have the {what} `{value}`"))
        .collect();
    let keys = one.ssh_keys.iter().filter(|key| other.ssh_keys.contains(key));
    shared.extend(keys.map(|key| format!("both clones have the SSH host key `{key}`")));
    shared
}

#[cfg(test)]
mod tests {
    use super::shared;
    use crate::vm::verdict::Identity;

    fn node(letter: &str) -> Identity {
        Identity {
            machine_id: format!("machine-{letter}"),
            hostname: format!("nuvol-{letter}"),
            claim_code: format!("claim-{letter}"),
            node_key: format!("key-{letter}"),
            sshd: true,
            ssh_keys: vec![format!("SHA256:{letter} (RSA)"), format!("SHA256:{letter} (ED25519)")],
        }
    }

    #[test]
    fn clones_share_nothing() {
        assert_eq!(shared(&node("a"), &node("b")), Vec::<String>::new());
    }

    #[test]
    fn every_shared_thing_is_named() {
        let copy = Identity { ssh_keys: vec!["SHA256:a (RSA)".into()], ..node("a") };
        assert_eq!(
            shared(&node("a"), &copy),
            [
                "both clones have the machine-id `machine-a`",
                "both clones have the host name `nuvol-a`",
                "both clones have the claim code `claim-a`",
                "both clones have the agent's key `key-a`",
                "both clones have the SSH host key `SHA256:a (RSA)`",
            ]
        );
    }
}
