//! What came of the trials: a table for people, JUnit XML for build servers. Pure.

use std::time::Duration;

use anyhow::Context as _;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::trial::Trial;

const HEAD: [&str; 9] = ["IMAGE", "FIRMWARE", "AS", "CHECK", "RESULT", "RUNNING", "AGENT", "MEMORY", "ROOT"];

/// A table with a line a boot, and below it what was wrong.
pub fn table(trials: &[Trial]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(trials.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    for trial in trials.iter().filter(|trial| !trial.passed()) {
        out.push_str(&format!("\n{} failed:\n", trial.label()));
        for fault in &trial.faults {
            out.push_str(&format!("  - {}\n", fault.replace('\n', "\n      ")));
        }
        if let Some(logs) = &trial.logs {
            out.push_str(&format!("  logs: {}\n", logs.display()));
        }
    }
    out
}

fn row(trial: &Trial) -> [String; 9] {
    let figures = trial.verdict.as_ref().map(|it| &it.figures);
    let unknown = || "-".to_owned();
    let mib = |(size, free): (u64, u64)| format!("{}/{} MiB", (size - free.min(size)) >> 10, size >> 10);
    [
        trial.image.clone(),
        trial.firmware.to_string(),
        trial.medium.to_string(),
        trial.check.clone(),
        if trial.passed() { "pass" } else { "FAIL" }.to_owned(),
        figures.map_or_else(unknown, |it| format!("{:.1} s", it.boot_s)),
        trial.agent_s.map_or_else(unknown, |seconds| format!("{seconds:.1} s")),
        figures.map_or_else(unknown, |it| mib(it.memory_kib)),
        trial.verdict.as_ref().map_or_else(unknown, |it| {
            format!("{}/{} MiB", it.disk.root_kib.1 >> 10, it.disk.root_kib.0 >> 10)
        }),
    ]
}

/// The trials as JUnit XML, one test case a boot.
pub fn junit(trials: &[Trial]) -> anyhow::Result<String> {
    let mut suite = TestSuite::new("nuvol test");
    suite.add_test_cases(trials.iter().map(case));
    let mut report = Report::new("nuvol");
    report.add_test_suite(suite);
    report.to_string().context("writing JUnit XML")
}

fn case(trial: &Trial) -> TestCase {
    let mut status = TestCaseStatus::success();
    if let Some(first) = trial.faults.first() {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(first.lines().next().unwrap_or_default());
        status.set_description(trial.faults.join("\n"));
    }
    let mut case = TestCase::new(format!("{} {} {}", trial.firmware, trial.medium, trial.check), status);
    case.set_classname(trial.image.clone()).set_time(Duration::from_secs_f64(trial.wall_s));
    case
}

#[cfg(test)]
mod tests {
    use super::{junit, table};
    use crate::vm::firmware::Firmware;
    use crate::vm::machine::Medium;
    use crate::vm::trial::Trial;
    use crate::vm::verdict::{parse, tests::GOOD};

    fn trials() -> Vec<Trial> {
        let good = Trial {
            image: "home.raw".into(),
            firmware: Firmware::Bios,
            medium: Medium::Disk,
            check: "boot".into(),
            wall_s: 61.5,
            agent_s: Some(21.25),
            health: None,
            announcement: None,
            verdict: Some(parse(GOOD).unwrap()),
            faults: vec![],
            logs: None,
        };
        let bad = Trial {
            firmware: Firmware::SecureBoot,
            agent_s: None,
            verdict: None,
            faults: vec!["the kernel panicked, while waiting:\nKernel <panic>".into(), "more".into()],
            logs: Some("/l/home.raw-secure-boot-disk-boot".into()),
            ..good.clone()
        };
        vec![good, bad]
    }

    #[test]
    fn people_get_a_table_and_the_faults() {
        let expected = "\
IMAGE     FIRMWARE     AS    CHECK  RESULT  RUNNING  AGENT   MEMORY       ROOT
home.raw  bios         disk  boot   pass    16.9 s   21.2 s  273/957 MiB  1074/3966 MiB
home.raw  secure-boot  disk  boot   FAIL    -        -       -            -

home.raw-secure-boot-disk-boot failed:
  - the kernel panicked, while waiting:
      Kernel <panic>
  - more
  logs: /l/home.raw-secure-boot-disk-boot
";
        assert_eq!(table(&trials()), expected);
    }

    #[test]
    fn build_servers_get_junit() {
        let text = junit(&trials()).unwrap();
        assert!(text.contains(r#"tests="2" skipped="0" failures="1""#), "{text}");
        assert!(
            text.contains(r#"<testcase name="bios disk boot" classname="home.raw" time="61.500"/>"#),
            "{text}"
        );
        assert!(text.contains("Kernel &lt;panic&gt;"), "{text}");
    }
}
