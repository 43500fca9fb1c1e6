//! Debian's control paragraphs: fields of a package, in its own file or in an index
//! (deb-control(5)).

/// One paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    fields: Vec<(String, String)>,
}

impl Paragraph {
    /// Reads the first paragraph of `text`; lines that are no field are left out.
    pub fn parse(text: &str) -> Self {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in text.lines().take_while(|line| !line.trim().is_empty()) {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = fields.last_mut() {
                    value.push('\n');
                    value.push_str(line);
                }
            } else if let Some((name, value)) = line.split_once(':') {
                // Ends stay as they are: dpkg keeps them too.
                fields.push((name.to_owned(), value.trim_start().to_owned()));
            }
        }
        Self { fields }
    }

    /// The value of the field `name`; further lines keep their indent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.trim_end())
    }

    /// All fields in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names in a field of relations such as `Depends`: a list of alternatives each,
    /// without versions and architectures.
    pub fn relations(&self, name: &str) -> Vec<Vec<String>> {
        let text = self.get(name).unwrap_or_default();
        let alternatives = |group: &str| group.split('|').filter_map(bare_name).collect::<Vec<_>>();
        text.split(',').map(alternatives).filter(|it| !it.is_empty()).collect()
    }
}

fn bare_name(relation: &str) -> Option<String> {
    let end = |c: char| c.is_whitespace() || "(:[<".contains(c);
    relation.trim().split(end).next().filter(|it| !it.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::Paragraph;

    #[test]
    fn fields_and_relations_are_read() {
        let text =
            "Package: a\nDepends: b (>= 1) | c:any, d [amd64],\n e\nDescription: x\n long\n\nPackage: z\n";
        let paragraph = Paragraph::parse(text);
        assert_eq!(paragraph.get("package"), Some("a"));
        assert_eq!(paragraph.get("Description"), Some("x\n long"));
        assert_eq!(paragraph.relations("Depends"), [vec!["b", "c"], vec!["d"], vec!["e"]]);
        assert!(paragraph.relations("Pre-Depends").is_empty());
        assert_eq!(paragraph.fields().count(), 3);
    }
}
