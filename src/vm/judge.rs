//! What a good boot is: a guest's own words against what must be true of every node. Pure.

use std::collections::BTreeMap;

use super::agent::Health;
use super::console::Announcement;
use super::firmware::Firmware;
use super::verdict::{Figures, Identity, Look, UnitState, Verdict};

/// What the host knows of the boot besides the verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Context<'a> {
    /// What started the machine.
    pub firmware: Firmware,
    /// What the node printed on its console.
    pub announcement: Option<&'a Announcement>,
    /// What the agent answered through the forwarded port.
    pub health: Option<&'a Health>,
    /// The identity that an earlier boot of the same disk had.
    pub earlier: Option<&'a Identity>,
}

/// The looks at all units that the guest takes, in order.
const LOOKS: [&str; 4] = ["first", "second", "loaded", "last"];
/// A gap that alignment and the tables at both ends of a disk explain.
const UNUSED_KIB: u64 = 4 << 10;

/// Everything that is not as it must be; empty is good.
pub fn faults(verdict: &Verdict, context: &Context<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    system(verdict, &mut faults);
    services(verdict, &mut faults);
    identity(&verdict.identity, context, &mut faults);
    disk(verdict, &mut faults);
    firmware(verdict, context.firmware, &mut faults);
    faults
}

fn system(verdict: &Verdict, faults: &mut Vec<String>) {
    if verdict.waited != "running" {
        faults.push(format!("the system started as `{}` instead of `running`", verdict.waited));
    }
    if let Some(code) = verdict.script_exit.filter(|code| *code != 0) {
        faults.push(format!("the script ended with {code}"));
    }
    let Figures { kernel, newest_kernel, .. } = &verdict.figures;
    // A script may just have installed one; the next boot must start it.
    if verdict.script_exit.is_none() && kernel != newest_kernel {
        faults.push(format!("kernel {kernel} runs, though {newest_kernel} is installed"));
    }
    let mut seen: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let looks = if verdict.booted_only { &LOOKS[..2] } else { &LOOKS[..] };
    for &name in looks {
        match verdict.looks.get(name) {
            Some(look) => complaints(look).into_iter().for_each(|it| seen.entry(it).or_default().push(name)),
            None => faults.push(format!("the {name} look at the units is missing")),
        }
    }
    faults.extend(seen.into_iter().map(|(what, when)| match when.len() {
        count if count == looks.len() => what,
        _ => format!("{what} ({} look)", when.join(", ")),
    }));
}

fn complaints(look: &Look) -> Vec<String> {
    let mut all = Vec::new();
    if look.state != "running" {
        all.push(format!("the system is `{}` instead of `running`", look.state));
    }
    all.extend(look.failed.iter().map(|unit| format!("`{unit}` failed")));
    all.extend(look.restarting.iter().map(|unit| format!("`{unit}` is being restarted")));
    all.extend(look.restarts.iter().map(|(unit, count)| format!("`{unit}` was restarted {count} times")));
    all
}

fn services(verdict: &Verdict, faults: &mut Vec<String>) {
    for service in &verdict.services {
        let phases: &[(&str, &str)] = match service.start.as_str() {
            "always" => &[("boot", "active")],
            "on-demand" if verdict.booted_only => &[("boot", "inactive")],
            "on-demand" => &[("boot", "inactive"), ("started", "active"), ("stopped", "inactive")],
            other => {
                faults.push(format!("service `{}` starts `{other}`, which is not known", service.service));
                continue;
            }
        };
        for (phase, expected) in phases {
            let state = verdict.units.iter().find(|it| it.phase == *phase && it.unit == service.unit);
            faults.extend(unit(state, &service.unit, phase, expected));
        }
    }
}

fn unit(state: Option<&UnitState>, name: &str, phase: &str, expected: &str) -> Option<String> {
    let when = match phase {
        "boot" => "after booting",
        "started" => "5 s after it was started",
        _ => "after it was stopped",
    };
    match state {
        None => Some(format!("unit `{name}` was not looked at {when}")),
        Some(state) if state.load != "loaded" => Some(format!("unit `{name}` is {}", state.load)),
        Some(state) if state.active != expected => {
            Some(format!("unit `{name}` is {} ({}) {when} instead of {expected}", state.active, state.sub))
        }
        Some(_) => None,
    }
}

fn identity(identity: &Identity, context: &Context<'_>, faults: &mut Vec<String>) {
    let Identity { machine_id, hostname, claim_code, node_key, sshd, ssh_keys } = identity;
    let mut must = |good: bool, fault: String| {
        if !good {
            faults.push(fault);
        }
    };
    must(is_hex(machine_id, 32), format!("the machine-id is `{machine_id}`"));
    let own_name = hostname.strip_prefix("nuvol-").is_some_and(|id| is_hex(id, 8));
    must(own_name, format!("the host name is `{hostname}` instead of `nuvol-` and 8 hex digits"));
    must(!claim_code.is_empty(), "there is no claim code".to_owned());
    // The digest of nothing is what a missing file gives.
    must(!node_key.starts_with("e3b0c442"), "the agent has no key".to_owned());
    must(!sshd || !ssh_keys.is_empty(), "the SSH server has no host keys".to_owned());
    match context.announcement {
        None => must(false, "the console does not tell where the node is (`NUVOL url=…`)".to_owned()),
        Some(told) => {
            must(
                told.name == *hostname,
                format!("the console calls the node `{}`, it is `{hostname}`", told.name),
            );
            let claim = told.claim.as_deref().unwrap_or_default();
            must(
                claim == claim_code,
                format!("the console's claim code is `{claim}`, the agent's `{claim_code}`"),
            );
        }
    }
    if let Some(health) = context.health {
        must(
            health.name == *hostname,
            format!("the agent calls the node `{}`, it is `{hostname}`", health.name),
        );
    }
    if let Some(earlier) = context.earlier {
        let kept = Identity { claim_code: claim_code.clone(), ..earlier.clone() } == *identity;
        must(kept, "the node is not who it was before the reboot".to_owned());
    }
}

fn disk(verdict: &Verdict, faults: &mut Vec<String>) {
    let disk = &verdict.disk;
    if disk.live {
        return;
    }
    if disk.data.is_empty() {
        faults.push("no data partition is mounted at `/data`".to_owned());
    }
    faults.extend(
        disk.kept.iter().filter(|it| !it.1).map(|it| format!("`{}` is not on the data partition", it.0)),
    );
    if let Some((size, wanted)) = disk.root_partition_kib {
        if size < wanted / 10 * 9 {
            faults.push(format!("the root partition has {} MiB instead of {}", size >> 10, wanted >> 10));
        }
        // Its own tables and the journal take some of it.
        if disk.root_kib.0 < size / 100 * 85 {
            faults.push(format!(
                "of the root partition's {} MiB the file system has {}",
                size >> 10,
                disk.root_kib.0 >> 10
            ));
        }
    }
    if let Some(unused) = disk.unused_kib.filter(|kib| *kib > UNUSED_KIB) {
        faults.push(format!("{} MiB of the disk belong to no partition", unused >> 10));
    }
}

fn firmware(verdict: &Verdict, firmware: Firmware, faults: &mut Vec<String>) {
    let state = verdict.figures.secure_boot;
    let good = match firmware {
        Firmware::Bios => state.is_none(),
        Firmware::Uefi => state != Some(true),
        Firmware::SecureBoot => state == Some(true),
    };
    if !good {
        faults.push(format!("Secure Boot is {state:?} under `{firmware}`"));
    }
    let lockdown = &verdict.figures.lockdown;
    if firmware == Firmware::SecureBoot && lockdown != "integrity" {
        faults
            .push(format!("the kernel's lockdown is `{lockdown}` under Secure Boot instead of `integrity`"));
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::{Context, faults};
    use crate::vm::console::Announcement;
    use crate::vm::firmware::Firmware;
    use crate::vm::verdict::{parse, tests::GOOD};

    fn check(change: &[(&str, &str)], firmware: Firmware, expected: &[&str]) {
        let text = change.iter().fold(GOOD.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let told = Announcement {
            url: "http://10.0.2.15/".into(),
            claim: Some("K7QF-93MX".into()),
            name: "nuvol-1a2b3c4d".into(),
        };
        let context = Context { firmware, announcement: Some(&told), health: None, earlier: None };
        assert_eq!(faults(&parse(&text).unwrap(), &context), expected);
    }

    #[test]
    fn a_healthy_node_has_no_faults() {
        check(&[], Firmware::Bios, &[]);
        check(&[("lockdown=none", "secure-boot=0")], Firmware::Uefi, &[]);
        check(&[("lockdown=none", "secure-boot=1\nlockdown=integrity")], Firmware::SecureBoot, &[]);
    }

    #[test]
    fn a_running_system_with_a_crash_looping_service_is_not_good() {
        check(
            &[("second.state=running", "second.state=running\nsecond.restarts=ssh.service 2")],
            Firmware::Bios,
            &["`ssh.service` was restarted 2 times (second look)"],
        );
    }

    #[test]
    fn a_service_on_demand_must_start_and_stop() {
        check(
            &[
                (
                    "unit=boot tinc tinc@nuvol.service loaded inactive dead",
                    "unit=boot tinc tinc@nuvol.service loaded active running",
                ),
                (
                    "unit=started tinc tinc@nuvol.service loaded active running",
                    "unit=started tinc tinc@nuvol.service loaded failed failed",
                ),
            ],
            Firmware::Bios,
            &[
                "unit `tinc@nuvol.service` is active (running) after booting instead of inactive",
                "unit `tinc@nuvol.service` is failed (failed) 5 s after it was started instead of active",
            ],
        );
        check(
            &[("avahi-daemon.service loaded active running", "avahi-daemon.service not-found inactive dead")],
            Firmware::Bios,
            &["unit `avahi-daemon.service` is not-found"],
        );
    }

    #[test]
    fn a_further_boot_leaves_services_on_demand_alone() {
        let told = |text: &str| {
            ["unit=started", "unit=stopped", "loaded.", "last."].iter().all(|it| !text.starts_with(it))
        };
        let text: String = GOOD.lines().filter(|line| told(line)).map(|line| format!("{line}\n")).collect();
        let context = Context { firmware: Firmware::Bios, announcement: None, health: None, earlier: None };
        let faults_of = |text: &str| {
            let found = faults(&parse(text).unwrap(), &context);
            found.into_iter().filter(|it| it.contains("look") || it.contains("tinc")).count()
        };
        assert!(faults_of(&text) > 0);
        assert_eq!(faults_of(&text.replace("BEGIN\n", "BEGIN\nscope=booted\n")), 0);
    }

    #[test]
    fn a_copied_identity_is_seen() {
        check(
            &[("hostname=nuvol-1a2b3c4d", "hostname=debian"), ("machine-id=0", "machine-id=x")],
            Firmware::Bios,
            &[
                "the machine-id is `x123456789abcdef0123456789abcdef`",
                "the host name is `debian` instead of `nuvol-` and 8 hex digits",
                "the console calls the node `nuvol-1a2b3c4d`, it is `debian`",
            ],
        );
    }

    #[test]
    fn a_new_kernel_must_be_the_one_that_boots() {
        let newer = ("newest-kernel=6.12.0-amd64", "newest-kernel=6.12.9-amd64");
        check(&[newer], Firmware::Bios, &["kernel 6.12.0-amd64 runs, though 6.12.9-amd64 is installed"]);
        check(&[newer, ("waited=running", "waited=running\nscript-exit=0")], Firmware::Bios, &[]);
    }

    #[test]
    fn a_disk_must_be_used_up_and_keep_homes() {
        check(
            &[("kept=/home yes", "kept=/home no"), ("unused-kib=1031", "unused-kib=4194304")],
            Firmware::Bios,
            &["`/home` is not on the data partition", "4096 MiB of the disk belong to no partition"],
        );
        check(
            &[("root-partition-kib=4194304 ", "root-partition-kib=1048576 ")],
            Firmware::Bios,
            &["the root partition has 1024 MiB instead of 4096"],
        );
        check(
            &[("root-kib=4061888 ", "root-kib=998244 ")],
            Firmware::Bios,
            &["of the root partition's 4096 MiB the file system has 974"],
        );
    }

    #[test]
    fn secure_boot_must_be_on() {
        check(
            &[("lockdown=none", "secure-boot=0\nlockdown=none")],
            Firmware::SecureBoot,
            &[
                "Secure Boot is Some(false) under `secure-boot`",
                "the kernel's lockdown is `none` under Secure Boot instead of `integrity`",
            ],
        );
    }
}
