//! Who may reach a port: one word or several.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Who may reach a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The node itself.
    Loopback,
    /// The networks that the node is plugged into.
    Lan,
    /// The mesh.
    Mesh,
    /// Everybody: what reaches the node from outside, as through a port that the router passes on.
    Internet,
}

impl Scope {
    const WORDS: [(&'static str, Self); 4] = [
        ("loopback", Self::Loopback),
        ("lan", Self::Lan),
        ("mesh", Self::Mesh),
        ("internet", Self::Internet),
    ];
    const KNOWN: [&'static str; 4] = ["loopback", "lan", "mesh", "internet"];
}

/// Who may reach a port: at least one, and `loopback` only by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "OneOrMore")]
pub struct Scopes(BTreeSet<Scope>);

/// How it is written, for editors.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "stands for the way it is written")]
enum OneOrMore {
    One(Scope),
    More(Vec<Scope>),
}

impl Scopes {
    /// The scopes, sorted.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    /// Whether two ports of these scopes would bind one address. Only the mesh has addresses of its own; a port
    /// that the home network reaches is bound to every address.
    pub fn overlaps(&self, other: &Self) -> bool {
        let wide = |it: &Self| it.0.contains(&Scope::Lan) || it.0.contains(&Scope::Internet);
        wide(self) || wide(other) || !self.0.is_disjoint(&other.0)
    }
}

/// One scope as a word, several as a list: as people write it.
impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.first() {
            Some(only) if self.0.len() == 1 => only.serialize(serializer),
            _ => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScopesVisitor;

        impl<'de> Visitor<'de> for ScopesVisitor {
            type Value = Scopes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a list of words")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Scopes, E> {
                let known = Scope::WORDS.iter().find(|(word, _)| *word == text);
                let (_, scope) = known.ok_or_else(|| E::unknown_variant(text, &Scope::KNOWN))?;
                Ok(Scopes(BTreeSet::from([*scope])))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Scopes, A::Error> {
                let mut scopes = BTreeSet::new();
                while let Some(scope) = access.next_element::<Scope>()? {
                    if !scopes.insert(scope) {
                        return Err(A::Error::custom("a scope stands twice in `scope`"));
                    }
                }
                match scopes.first() {
                    None => Err(A::Error::custom("`scope` is empty; name who may reach the port")),
                    Some(Scope::Loopback) if scopes.len() > 1 => Err(A::Error::custom(
                        "`loopback` means nobody else; take it out of `scope`, or leave it alone there",
                    )),
                    Some(_) => Ok(Scopes(scopes)),
                }
            }
        }

        deserializer.deserialize_any(ScopesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::Scopes;

    fn read(json: &str) -> Result<Scopes, String> {
        serde_json::from_str(json).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn a_scope_is_written_as_it_was_read() {
        for text in ["\"mesh\"", "[\"lan\",\"mesh\"]", "\"loopback\""] {
            assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
        }
        assert_eq!(read("[\"mesh\"]").unwrap(), read("\"mesh\"").unwrap());
        for wrong in ["[]", "[\"lan\",\"lan\"]", "[\"lan\",\"loopback\"]", "\"world\"", "3"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_mesh_and_loopback_have_addresses_of_their_own() {
        let overlaps = |one: &str, other: &str| read(one).unwrap().overlaps(&read(other).unwrap());
        assert!(!overlaps("\"mesh\"", "\"loopback\""));
        assert!(overlaps("\"mesh\"", "\"mesh\""));
        assert!(overlaps("\"loopback\"", "[\"lan\",\"mesh\"]"));
        assert!(overlaps("\"internet\"", "\"loopback\""));
    }
}
