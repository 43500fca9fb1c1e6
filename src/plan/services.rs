//! Services of the catalogue: what is wrong with an entry, and what it means in a plan.

use std::collections::BTreeMap;

use crate::plan::{Announce, Port, Probe, Service, settings};
use crate::spec::{
    At, Catalog, Document, Place, PortSpec, Problem, Problems, Role, ServiceName, ServiceSpec, Word,
};

/// What is wrong with the catalogue itself, whoever uses it.
pub(super) fn check_catalog(document: &Document<Catalog>, problems: &mut Problems) {
    for (set, packages) in &document.value.sets {
        if packages.is_empty() && !document.damaged.has(&format!("sets.{}", set.value)) {
            let problem = Problem::at(document.place(set.span), format!("the set `{}` is empty", set.value));
            problems.push(problem.remedy("name its packages or take it out"));
        }
        check_doubles(document, &format!("sets.{}", set.value), packages, problems);
    }
    for (name, service) in &document.value.services {
        check_service(document, &name.value, service, problems);
    }
}

fn check_service(
    document: &Document<Catalog>,
    name: &ServiceName,
    service: &ServiceSpec,
    problems: &mut Problems,
) {
    let key = |key: &str| format!("services.{name}.{key}");
    if service.units.value.is_empty() && !document.damaged.has(&key("units")) {
        let problem =
            Problem::at(document.place(service.units.span), format!("service `{name}` has no unit"));
        problems.push(problem.remedy("name the systemd unit that runs it, the main one first"));
    }
    check_doubles(document, &key("units"), &service.units.value, problems);
    check_doubles(document, &key("packages"), &service.packages, problems);
    check_doubles(document, &key("data"), &service.data, problems);
    for (index, port) in service.ports.iter().enumerate() {
        let double = service.ports[..index].iter().find(|first| first.value.name == port.value.name);
        if let Some(first) = double {
            let name = &port.value.name;
            let problem =
                Problem::at(document.place(name.span), format!("two ports are named `{}`", name.value));
            let first = document.place(first.value.name.span);
            problems.push(problem.remedy("rename one of the two").related(first, "first here"));
        }
    }
    settings::check(document, name, service, problems);
    let used = [
        ("announce", service.announce.as_ref().map(|announce| &announce.port)),
        ("probe", service.probe.as_ref().map(|probe| &probe.port)),
    ];
    for (user, port) in used {
        let Some(port) = port else { continue };
        let known: Vec<&str> = service.ports.iter().map(|port| port.value.name.value.as_str()).collect();
        if !known.contains(&port.value.as_str()) && !document.damaged.has(&key("ports")) {
            let words = format!(
                "`{user}.port` of service `{name}` names `{}`, which is none of its ports",
                port.value
            );
            let problem = Problem::at(document.place(port.span), words).remedy("name it in `ports`");
            problems.push(problem.nearest(port.value.as_str(), known));
        }
    }
}

fn check_doubles<T: Eq + std::fmt::Display>(
    document: &Document<Catalog>,
    key: &str,
    list: &[At<T>],
    problems: &mut Problems,
) {
    for (index, entry) in list.iter().enumerate() {
        if let Some(first) = list[..index].iter().find(|first| first.value == entry.value) {
            let place = document.place(entry.span);
            let problem = Problem::at(place, format!("`{}` stands twice in `{key}`", entry.value));
            problems.push(
                problem.remedy("keep one of the two").related(document.place(first.span), "first here"),
            );
        }
    }
}

/// Two services of one image cannot bind one port.
pub(super) fn check_ports(
    services: &BTreeMap<ServiceName, (&Document<Catalog>, &ServiceSpec)>,
    problems: &mut Problems,
) {
    let mut taken: Vec<(&ServiceName, Place, &PortSpec)> = Vec::new();
    for (name, (document, service)) in services {
        for port in &service.ports {
            let place = document.place(port.value.port.span);
            let clash = taken.iter().find(|(_, _, other)| {
                other.port == port.value.port
                    && other.protocol == port.value.protocol
                    && other.scope.overlaps(&port.value.scope)
            });
            if let Some((other, first, _)) = clash {
                let (number, protocol) = (port.value.port.value, port.value.protocol);
                let words =
                    format!("services `{other}` and `{name}` both listen on {protocol} port {number}");
                let problem =
                    Problem::at(place.clone(), words).related(first.clone(), format!("`{other}` here"));
                problems.push(problem.remedy("give one of them another port, or leave one of them out"));
            }
            taken.push((name, place, &port.value));
        }
    }
}

/// A community has one network, and its node one program for it.
pub(super) fn check_mesh(
    services: &BTreeMap<ServiceName, (&Document<Catalog>, &ServiceSpec)>,
    problems: &mut Problems,
) {
    let meshes = services.iter().filter(|(_, (_, service))| service.role.value == Role::Mesh);
    let mut meshes = meshes.map(|(name, (document, service))| (name, document.place(service.role.span)));
    let Some((first, first_place)) = meshes.next() else { return };
    for (name, place) in meshes {
        let words = format!("services `{first}` and `{name}` both are the mesh");
        let problem = Problem::at(place, words).related(first_place.clone(), format!("`{first}` here"));
        problems.push(problem.remedy("leave one of them out"));
    }
}

/// What belongs to the owner and to no service, and lives on the data partition too: files, settings, and what
/// agent and helper remember.
pub const OWN_DATA: [&str; 4] = ["/etc/nuvol", "/home", "/var/lib/nuvol-agent", "/var/lib/nuvol-helper"];

/// Each data path is moved to the data partition as a whole, so none may lie in another.
pub(super) fn check_data(
    services: &BTreeMap<ServiceName, (&Document<Catalog>, &ServiceSpec)>,
    problems: &mut Problems,
) {
    let mut taken: Vec<(String, Place)> = Vec::new();
    for (document, service) in services.values() {
        for path in &service.data {
            let (text, place) = (path.value.to_string(), document.place(path.span));
            let nested = |outer: &str, inner: &str| inner == outer || inner.starts_with(&format!("{outer}/"));
            if let Some(own) = OWN_DATA.iter().find(|own| nested(own, &text)) {
                let problem = Problem::at(place.clone(), format!("`{text}` is kept with `{own}` already"));
                problems.push(problem.remedy("take it out"));
            } else if let Some((other, first)) =
                taken.iter().find(|(other, _)| nested(other, &text) || nested(&text, other))
            {
                let words = format!("the data paths `{other}` and `{text}` lie in each other");
                let problem = Problem::at(place.clone(), words).related(first.clone(), "first here");
                problems.push(problem.remedy("keep the outer one alone, or choose another folder"));
            }
            taken.push((text, place));
        }
    }
}

/// What an entry means in a plan.
pub(super) fn planned(spec: &ServiceSpec) -> Service {
    let port = |port: &At<PortSpec>| Port {
        name: port.value.name.value.to_string(),
        port: port.value.port.value.get(),
        protocol: port.value.protocol,
        scope: port.value.scope.clone(),
    };
    let word = |word: &At<Word>| word.value.to_string();
    Service {
        title: spec.title.value.clone(),
        summary: spec.summary.value.clone(),
        role: spec.role.value,
        units: spec.units.value.iter().map(|unit| unit.value.clone()).collect(),
        start: spec.start,
        ports: spec.ports.iter().map(port).collect(),
        announce: spec.announce.as_ref().map(|announce| Announce {
            service_type: announce.service_type.to_string(),
            port: word(&announce.port),
            txt: announce.txt.iter().map(|(key, shown)| (word(key), word(shown))).collect(),
        }),
        probe: spec
            .probe
            .as_ref()
            .map(|probe| Probe { kind: probe.kind.to_string(), port: word(&probe.port) }),
        data: spec.data.iter().map(|path| path.value.to_string()).collect(),
        settings: settings::planned(spec),
        shown: settings::planned_shown(spec),
    }
}
