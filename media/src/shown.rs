//! Disks and partitions as people are told of them.

use super::inventory::{Disk, Partition};

impl Disk {
    /// Maker, model, size, serial number and connection.
    pub fn title(&self) -> String {
        let name: Vec<&str> = [&self.vendor, &self.model].into_iter().flatten().map(String::as_str).collect();
        let name = if name.is_empty() { "unknown model".to_owned() } else { name.join(" ") };
        let serial = self.serial.as_ref().map_or("no serial number".to_owned(), |it| format!("serial {it}"));
        let transport = self.transport.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
        format!("{name}, {}, {serial}{transport}", size(self.size_bytes))
    }
}

impl Partition {
    /// Name, size and what is in it.
    pub fn title(&self) -> String {
        let mut text = format!("{}  {}", self.name, size(self.size_bytes));
        for (what, value) in
            [("", &self.filesystem), ("label ", &self.filesystem_label), ("named ", &self.label)]
        {
            if let Some(value) = value {
                text += &format!(", {what}{value}");
            }
        }
        text
    }
}

/// Bytes as makers of disks count them.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        1_000_000_000..1_000_000_000_000 => format!("{:.1} GB", bytes as f64 / 1e9),
        _ => format!("{:.2} TB", bytes as f64 / 1e12),
    }
}
