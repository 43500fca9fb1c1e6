//! The few calls of systemd's D-Bus interface (org.freedesktop.systemd1(5)) that the agent needs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use zbus::proxy::CacheProperties;
use zbus::{Connection, fdo};

use crate::node::unit::{End, Unit};
use crate::systemd::{ManagerProxy, SYSTEMD, ServiceProxy, UnitProxy};

/// All units lie below this path.
pub(super) const UNITS: &str = "/org/freedesktop/systemd1/unit";

/// Units by their object path; one unit may have several names.
pub(super) type Paths = BTreeMap<String, Vec<String>>;

/// The object path of each unit. `LoadUnit`, not `GetUnit`: a unit that is off is not loaded, and `GetUnit` calls
/// it unknown. A name that systemd refuses gets no path.
pub(super) async fn load(manager: &ManagerProxy<'_>, names: &BTreeSet<String>) -> anyhow::Result<Paths> {
    let mut paths = Paths::new();
    for name in names {
        match manager.load_unit(name).await {
            Ok(path) => paths.entry(path.to_string()).or_default().push(name.clone()),
            Err(error) if is_refusal(&error) => {}
            Err(error) => return Err(error).with_context(|| format!("asking systemd for `{name}`")),
        }
    }
    Ok(paths)
}

/// Whether systemd has answered and the answer is no: the connection is well, the unit is not.
fn is_refusal(error: &zbus::Error) -> bool {
    match error {
        zbus::Error::MethodError(name, ..) => name.as_str().starts_with(SYSTEMD),
        zbus::Error::FDO(error) => {
            matches!(
                **error,
                fdo::Error::InvalidArgs(_) | fdo::Error::UnknownObject(_) | fdo::Error::Failed(_)
            )
        }
        _ => false,
    }
}

/// What systemd says about these units now, by name.
pub(super) async fn read_all(
    connection: &Connection,
    paths: &Paths,
) -> anyhow::Result<BTreeMap<String, Unit>> {
    let mut units = BTreeMap::new();
    for (path, names) in paths {
        let unit = match read(connection, path).await {
            Ok(unit) => unit,
            Err(error) if is_refusal(&error) => Unit { load: "error".to_owned(), ..Unit::default() },
            Err(error) => return Err(error).with_context(|| format!("asking systemd about `{names:?}`")),
        };
        units.extend(names.iter().map(|name| (name.clone(), unit.clone())));
    }
    Ok(units)
}

async fn read(connection: &Connection, path: &str) -> zbus::Result<Unit> {
    let proxy =
        UnitProxy::builder(connection).path(path).cache_properties(CacheProperties::No).build().await?;
    let mut unit = Unit {
        load: proxy.load_state().await?,
        active: proxy.active_state().await?,
        sub: proxy.sub_state().await?,
        end: None,
        memory: None,
    };
    if unit.active == "active" {
        unit.memory = read_memory(connection, path).await;
    }
    // Only services have an end to tell of; for other kinds of units the question is an error.
    if unit.active == "failed" || unit.is_restarting() {
        unit.end = read_end(connection, path).await.ok();
    }
    Ok(unit)
}

async fn service<'a>(connection: &Connection, path: &'a str) -> zbus::Result<ServiceProxy<'a>> {
    ServiceProxy::builder(connection).path(path).cache_properties(CacheProperties::No).build().await
}

/// Bytes of memory, where systemd counts them: in steps, so that not every little change is news.
async fn read_memory(connection: &Connection, path: &str) -> Option<u64> {
    let bytes = service(connection, path).await.ok()?.memory_current().await.ok()?;
    (bytes != u64::MAX).then_some(bytes >> 20 << 20)
}

async fn read_end(connection: &Connection, path: &str) -> zbus::Result<End> {
    let proxy = service(connection, path).await?;
    Ok(End {
        result: proxy.result().await?,
        status: proxy.exec_main_status().await?,
        restarts: proxy.restarts().await?,
    })
}
