//! What `nuvol` itself lays into every image: the services for the agent, the image's own name, and
//! the preset that says which units run. And what templates may name.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde::Serialize;

use crate::overlay::render::{Variables, value};
use crate::overlay::{Content, Entry, Layer};
use crate::plan::{self, Plan, Service, Setting};
use crate::spec::{ByteSize, ServiceName, Start, Version, yaml};

/// The preset; `00` comes before every other.
pub(super) const PRESET: &str = "usr/lib/systemd/system-preset/00-nuvol.preset";

/// What the root file system grows to on a large disk, where the profile names no size: enough for years of
/// upgrades.
const ROOT_MOST: ByteSize = ByteSize::mib(16 << 10);

/// Entries of the install part.
pub(super) fn install(plan: &Plan) -> Layer {
    Layer::from([(PRESET.to_owned(), file(preset(plan)))])
}

/// Entries of the files part.
pub(super) fn files(plan: &Plan) -> anyhow::Result<Layer> {
    let mut layer = Layer::new();
    let image = Image { profile: plan.profile.as_str(), version: &plan.version, summary: &plan.summary };
    layer.insert("usr/share/nuvol/image.yaml".to_owned(), file(yaml::to_string(&image)?));
    for (name, service) in &plan.services {
        let text = yaml::to_string(&Named { name, service })
            .with_context(|| format!("writing the entry of service `{name}`"))?;
        layer.insert(format!("usr/share/nuvol/services/{name}.yaml"), file(text));
        if !service.settings.is_empty() {
            layer.insert(format!("usr/share/nuvol/settings/{name}.env"), file(defaults(service)));
        }
    }
    Ok(layer)
}

/// What the service's scripts find in their environment until the owner sets something else: systemd reads this
/// file first and the owner's after it (`EnvironmentFile=`).
fn defaults(service: &Service) -> String {
    let line = |setting: &Setting| {
        let quoted: String = setting.default().chars().fold(String::new(), |mut text, letter| {
            if matches!(letter, '"' | '\\' | '`' | '$') {
                text.push('\\');
            }
            text.push(letter);
            text
        });
        format!("{}=\"{quoted}\"\n", setting.variable())
    };
    service.settings.iter().map(line).collect()
}

#[derive(Serialize)]
struct Image<'a> {
    profile: &'a str,
    version: &'a Version,
    summary: &'a str,
}

/// A service as the agent reads it: its name first.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Named<'a> {
    name: &'a ServiceName,
    #[serde(flatten)]
    service: &'a Service,
}

fn file(text: String) -> Entry {
    Entry {
        content: Content::File(text.into_bytes()),
        mode: 0o644,
        owner: "root".into(),
        group: "root".into(),
    }
}

/// An instance (`x@a.service`) is enabled by its template with the instance behind it: that is the
/// only form which `systemctl preset-all` understands (systemd.preset(5)).
fn preset(plan: &Plan) -> String {
    let always = plan.services.values().filter(|service| service.start == Start::Always);
    let units = plan.units.iter().chain(always.flat_map(|service| &service.units));
    let mut enabled: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for unit in units {
        let unit = unit.as_str();
        let instance = unit.split_once('@').and_then(|(name, rest)| {
            let (instance, suffix) = rest.rsplit_once('.')?;
            (!instance.is_empty()).then_some((format!("{name}@.{suffix}"), instance))
        });
        match instance {
            Some((template, instance)) => {
                enabled.entry(template).or_default().insert(instance);
            }
            None => {
                enabled.entry(unit.to_owned()).or_default();
            }
        }
    }
    let lines = enabled.into_iter().map(|(unit, instances)| {
        let instances: String = instances.into_iter().map(|instance| format!(" {instance}")).collect();
        format!("enable {unit}{instances}\n")
    });
    lines.chain(["disable *\n".to_owned()]).collect()
}

/// What templates may name.
pub(super) fn variables(plan: &Plan) -> Variables {
    let services: Vec<Named<'_>> =
        plan.services.iter().map(|(name, service)| Named { name, service }).collect();
    let data: BTreeSet<&str> = plan
        .services
        .values()
        .flat_map(|service| &service.data)
        .map(String::as_str)
        .chain(plan::OWN_DATA)
        .collect();
    let mut variables: Variables =
        plan.variables.iter().map(|(name, scalar)| (name.clone(), value(scalar))).collect();
    let mut own = |name: &str, given: serde_json::Value| {
        variables.insert(name.to_owned(), given);
    };
    own("profile", value(&plan.profile));
    own("version", value(&plan.version));
    own("summary", value(&plan.summary));
    own("hostname", value(&plan.hostname));
    own("suite", value(&plan.base.suite));
    own("services", value(&services));
    own("data", value(&data));
    if let Some(disk) = &plan.disk {
        own("kernel_arguments", value(&disk.kernel_arguments.join(" ")));
        own(
            "disk",
            serde_json::json!({
                "root_uuid": disk.ids.root,
                "esp_id": volume_id(disk.ids.esp),
                "config_id": volume_id(disk.ids.config),
                "build": disk.ids.build,
                "root_most": disk.root_size.unwrap_or(ROOT_MOST).bytes(),
            }),
        );
    }
    variables
}

/// A FAT volume id as `blkid` writes it.
fn volume_id(id: u32) -> String {
    format!("{:04X}-{:04X}", id >> 16, id & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::preset;
    use crate::plan;
    use crate::spec::{Architecture, Tree};

    #[test]
    fn what_is_not_named_is_disabled_and_instances_stand_behind_their_template() {
        let profile = "summary: S\nversion: 1.0\nformats: [raw]\nunits: [z.timer, x@b.service, x@a.service]\n\
                       services: [always, asked]\n";
        let catalogue = "services:\n  always: { title: A, summary: S, role: web, units: [a.service], start: always }\n  \
                         asked: { title: B, summary: S, role: web, units: [b.service], start: on-demand }\n";
        let tree = Tree::of_texts(&[("profiles/node.yaml", profile), ("packages.yaml", catalogue)]);
        let plan = plan::resolve(&tree, &"node".parse().unwrap(), Architecture::Amd64, None).unwrap().plan;
        assert_eq!(preset(&plan), "enable a.service\nenable x@.service a b\nenable z.timer\ndisable *\n");
    }
}
