//! The plans of our own profiles: a change of what we ship is a change of a golden file.

#![allow(clippy::unwrap_used)]

use crate::common::assert_golden;
use nuvol::spec::{Architecture, ProfileName, Tree, yaml};
use nuvol::{overlay, plan};

fn profiles() -> (Tree, Vec<ProfileName>) {
    let tree = Tree::open(".".as_ref()).unwrap();
    let names = tree.own_profiles().to_vec();
    assert!(!names.is_empty(), "the repository has no profiles");
    (tree, names)
}

#[test]
fn every_profile_resolves_to_its_golden_plan() {
    let (tree, names) = profiles();
    for name in names {
        let resolved = plan::resolve(&tree, &name, Architecture::Amd64, None)
            .unwrap_or_else(|problems| panic!("{problems}"));
        assert_golden(&format!("tests/golden/{name}.yaml"), &yaml::to_string(&resolved.plan).unwrap());
    }
}

#[test]
fn another_architecture_changes_only_what_names_it() {
    let tree = Tree::open(".".as_ref()).unwrap();
    let plan =
        |architecture| plan::resolve(&tree, &"home".parse().unwrap(), architecture, None).unwrap().plan;
    let (pc, arm) = (plan(Architecture::Amd64), plan(Architecture::Arm64));
    let lacks = |one: &plan::Plan, other: &plan::Plan| -> Vec<String> {
        one.base.packages.difference(&other.base.packages).map(ToString::to_string).collect()
    };
    assert_eq!(
        lacks(&pc, &arm),
        ["amd64-microcode", "grub-cloud-amd64", "intel-microcode", "linux-image-amd64"]
    );
    assert_eq!(lacks(&arm, &pc), ["grub-cloud-arm64", "linux-image-arm64"]);
    let consoles = |plan: &plan::Plan| plan.disk.as_ref().unwrap().kernel_arguments[1..3].to_vec();
    assert_eq!(consoles(&pc), ["console=tty0", "console=ttyS0,115200"]);
    assert_eq!(consoles(&arm), ["console=tty0", "console=ttyAMA0,115200"]);
    assert_eq!(pc.services, arm.services);
}

#[test]
fn every_profile_has_its_golden_files() {
    let (tree, names) = profiles();
    for name in names {
        let plan = plan::resolve(&tree, &name, Architecture::Amd64, None)
            .unwrap_or_else(|problems| panic!("{problems}"))
            .plan;
        let overlay = overlay::render(&plan, &tree).unwrap_or_else(|problems| panic!("{problems}"));
        let parts = [("install", &overlay.install), ("files", &overlay.files)];
        let lines = parts.into_iter().flat_map(|(part, layer)| {
            layer.iter().map(move |(path, entry)| {
                let overlay::Entry { mode, owner, group, content } = entry;
                let what = match content {
                    overlay::Content::File(_) => String::new(),
                    overlay::Content::Link(target) => format!(" -> {target}"),
                    overlay::Content::Directory => "/".to_owned(),
                };
                format!("{part:<8}{mode:04o} {owner}:{group} /{path}{what}\n")
            })
        });
        assert_golden(&format!("tests/golden/{name}.files"), &lines.collect::<String>());
    }
}

#[test]
fn the_tree_inside_nuvol_is_the_one_in_the_repository() {
    let (tree, names) = profiles();
    let inside = Tree::built_in().unwrap();
    for name in names {
        let on_disk = plan::resolve(&tree, &name, Architecture::Amd64, None).unwrap().plan;
        let built_in = plan::resolve(&inside, &name, Architecture::Amd64, None).unwrap().plan;
        assert_eq!(on_disk, built_in);
        assert_eq!(overlay::render(&on_disk, &tree).unwrap(), overlay::render(&built_in, &inside).unwrap());
    }
}

#[test]
fn a_tree_elsewhere_builds_on_what_comes_with_nuvol() {
    let tree = Tree::open("tests/trees/foreign".as_ref()).unwrap();
    assert_eq!(tree.own_profiles().iter().map(ProfileName::as_str).collect::<Vec<_>>(), ["ours"]);
    let resolved = plan::resolve(&tree, &"ours".parse().unwrap(), Architecture::Amd64, None).unwrap();
    let plan = &resolved.plan;
    assert_eq!(plan.lineage.iter().map(ProfileName::as_str).collect::<Vec<_>>(), ["base", "ours"]);
    assert_eq!(plan.services[&"ssh".parse().unwrap()].title, "Our own shell");
    assert!(plan.services.contains_key(&"avahi".parse().unwrap()));
    let overlay = overlay::render(plan, &tree).unwrap();
    assert_eq!(
        overlay.files["etc/motd"].content,
        overlay::Content::File(b"Welcome to Example Valley\n".to_vec())
    );
    assert!(overlay.files.contains_key("etc/fstab"));
    assert!(plan::resolve(&tree, &"home".parse().unwrap(), Architecture::Amd64, None).is_ok());
}
