//! The finished file system, as e2fsck and another reader see it.

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use ext4_view::{Ext4, Ext4Read};

use super::{Body, Node, Span, Tree, fill_by};

const OFFSET: u64 = 1 << 20;
const EPOCH: u64 = 5_000_000_000;

/// Everything for the owner, reading for the group, for the group 4 and for others: as getxattr(2) has it.
const ACCESS: [u8; 44] = [
    2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4, 0, 5, 0, 255, 255, 255, 255, 8, 0, 5, 0, 4, 0, 0, 0, 16,
    0, 5, 0, 255, 255, 255, 255, 32, 0, 5, 0, 255, 255, 255, 255,
];

fn node(body: Body) -> Node {
    Node { body, mode: 0o644, uid: 0, gid: 0, mtime: 2_000_000_000, xattrs: Vec::new() }
}

fn tree(dir: &Path, nodes: Vec<(String, Node)>) -> Tree {
    let empty = dir.join("empty.tar");
    tar::Builder::new(File::create(&empty).unwrap()).finish().unwrap();
    let mut tree = Tree::read(&[empty]).unwrap();
    for (path, node) in nodes {
        tree.insert(&path, node).unwrap();
    }
    // Some files' bytes lie in a tar then.
    let full = dir.join("full.tar");
    tree.write(&mut File::create(&full).unwrap(), EPOCH).unwrap();
    Tree::read(&[full]).unwrap()
}

/// All kinds of files, links and folders.
fn all_kinds() -> Vec<(String, Node)> {
    let bytes = |count: usize| (0..count).map(|it| (it % 251) as u8).collect::<Vec<_>>();
    let mut nodes = vec![
        ("bin/large".to_owned(), node(Body::Bytes(bytes(3_000_001)))),
        ("bin/whole-blocks".to_owned(), node(Body::Bytes(bytes(8192)))),
        ("bin/empty".to_owned(), node(Body::Bytes(Vec::new()))),
        ("bin/other-name".to_owned(), node(Body::Same("bin/large".to_owned()))),
        ("lib".to_owned(), node(Body::Link("usr/lib".to_owned()))),
        ("long".to_owned(), node(Body::Link("x/".repeat(300)))),
        ("just-60".to_owned(), node(Body::Link("y".repeat(60)))),
        ("just-59".to_owned(), node(Body::Link("z".repeat(59)))),
        ("empty-folder".to_owned(), Node { mode: 0o3775, gid: 70_000, ..node(Body::Folder) }),
        (
            "var/log/journal".to_owned(),
            Node {
                mode: 0o2755,
                xattrs: vec![
                    ("SCHILY.xattr.system.posix_acl_access".to_owned(), ACCESS.to_vec()),
                    ("SCHILY.xattr.system.posix_acl_default".to_owned(), ACCESS.to_vec()),
                ],
                ..node(Body::Folder)
            },
        ),
        (
            "bin/ping".to_owned(),
            Node {
                mode: 0o4755,
                uid: 65_540,
                mtime: 4_500_000_000,
                xattrs: vec![
                    ("SCHILY.xattr.security.capability".to_owned(), vec![1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0]),
                    ("SCHILY.xattr.user.a".to_owned(), vec![7]),
                ],
                ..node(Body::Bytes(bytes(10)))
            },
        ),
    ];
    nodes.extend((0..900).map(|it| (format!("usr/share/doc/file-{it:04}"), node(Body::Bytes(bytes(it))))));
    nodes.extend((0..200).map(|it| (format!("usr/folder-{it}/below"), node(Body::Bytes(vec![1])))));
    nodes
}

#[expect(clippy::disallowed_methods, reason = "programs that are not ours make and check the file system")]
fn run(program: &str, args: &[&str]) -> String {
    let done = Command::new(program).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {args:?}: {text}");
    text
}

/// A disk of `mib` with the file system of `nodes`, which is found to be without fault.
fn made(dir: &Path, mib: u64, longest: u64, options: &[&str], nodes: Vec<(String, Node)>) -> (String, Tree) {
    let tree = tree(dir, nodes);
    let path = dir.join("disk").display().to_string();
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    file.set_len(OFFSET + (mib << 20)).unwrap();
    let place = format!("offset={OFFSET},lazy_itable_init=0,nodiscard");
    let size = format!("{mib}m");
    let mut args = vec!["-q", "-F", "-t", "ext4", "-b", "4096", "-i", "16384", "-E", &place];
    args.extend(options);
    args.extend([path.as_str(), &size]);
    run("/sbin/mke2fs", &args);
    let span = Span { offset: OFFSET, size: mib << 20 };
    fill_by(longest, &file, span, &tree, EPOCH, &|_| ()).unwrap();
    let report = run("/sbin/e2fsck", &["-f", "-n", &format!("{path}?offset={OFFSET}")]);
    assert!(report.contains("Pass 5"), "{report}");
    (path, tree)
}

struct Part(File);

impl Ext4Read for Part {
    fn read(&mut self, start: u64, to: &mut [u8]) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.0.read_exact_at(to, OFFSET + start)?)
    }
}

fn check(path: &str, tree: &Tree) {
    let found = Ext4::load(Box::new(Part(File::open(path).unwrap()))).unwrap();
    for (path, node) in tree.nodes() {
        let full = format!("/{path}");
        let metadata = found.symlink_metadata(full.as_str()).unwrap();
        match &node.body {
            Body::Link(target) => {
                assert_eq!(found.read_link(full.as_str()).unwrap().as_ref(), target.as_bytes(), "{path}");
                continue;
            }
            Body::Folder => assert!(metadata.is_dir(), "{path}"),
            _ => assert_eq!(found.read(full.as_str()).unwrap(), tree.bytes(path).unwrap().unwrap(), "{path}"),
        }
        assert_eq!(u32::from(metadata.mode()) & 0o7777, node.mode, "{path}");
        assert_eq!((u64::from(metadata.uid()), u64::from(metadata.gid())), (node.uid, node.gid), "{path}");
    }
}

#[test]
fn everything_comes_back_and_e2fsck_finds_no_fault() {
    let dir = tempfile::tempdir().unwrap();
    let (path, tree) = made(dir.path(), 300, super::LONGEST, &[], all_kinds());
    check(&path, &tree);
    let place = format!("{path}?offset={OFFSET}");
    let stat = run("/sbin/debugfs", &["-R", "stat /bin/ping", &place]);
    for part in ["Mode:  04755", "User: 65540", "security.capability (10)", "user.a (1) = 07", "2112"] {
        assert!(stat.contains(part), "{part}: {stat}");
    }
    let rights = run("/sbin/debugfs", &["-R", "ea_list /var/log/journal", &place]);
    for part in ["system.posix_acl_access (28)", "system.posix_acl_default (28)"] {
        assert!(rights.contains(part), "{part}: {rights}");
    }
    let value = run("/sbin/debugfs", &["-R", "ea_get -x /var/log/journal system.posix_acl_default", &place]);
    // Where no id belongs debugfs shows 0.
    let hex: String = ACCESS.iter().map(|it| format!("{:02x}", if *it == 255 { 0 } else { *it })).collect();
    assert!(value.replace(' ', "").contains(&hex), "{value}");
    assert!(run("/sbin/debugfs", &["-R", "stat /bin/large", &place]).contains("Links: 2"));
}

#[test]
fn a_file_in_many_pieces_has_a_list_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let (path, tree) = made(dir.path(), 300, 7, &[], all_kinds());
    check(&path, &tree);
}

#[test]
fn many_groups_and_older_features_are_understood() {
    let dir = tempfile::tempdir().unwrap();
    let (path, tree) = made(dir.path(), 2500, super::LONGEST, &["-G", "4"], all_kinds());
    check(&path, &tree);
    let (path, tree) = made(dir.path(), 300, 50, &["-O", "^64bit,^resize_inode"], all_kinds());
    check(&path, &tree);
}

#[test]
fn a_file_across_groups_passes_by_their_metadata() {
    let dir = tempfile::tempdir().unwrap();
    let nodes = vec![("a".to_owned(), node(Body::Bytes(vec![9; 150 << 20])))];
    let (path, tree) = made(dir.path(), 300, super::LONGEST, &[], nodes);
    check(&path, &tree);
}

#[test]
fn a_tree_that_does_not_fit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let tree = tree(dir.path(), vec![("a".to_owned(), node(Body::Bytes(vec![9; 17 << 20])))]);
    let path = dir.path().join("disk").display().to_string();
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    file.set_len(16 << 20).unwrap();
    run("/sbin/mke2fs", &["-q", "-F", "-t", "ext4", "-b", "4096", &path, "16m"]);
    let span = Span { offset: 0, size: 16 << 20 };
    let error = fill_by(9, &file, span, &tree, EPOCH, &|_| ()).unwrap_err().to_string();
    assert_eq!(error, "the files do not fit into the root partition");
}
