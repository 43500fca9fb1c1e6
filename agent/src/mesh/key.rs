//! The public key of a member's tinc: RSA, as `RSAPublicKey` (RFC 8017, A.1.1).

use std::fmt;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

const BEGIN: &str = "-----BEGIN RSA PUBLIC KEY-----";
const END: &str = "-----END RSA PUBLIC KEY-----";
/// PEM has lines of this many characters.
const LINE: usize = 64;
/// No shorter key is safe, and none longer is worth its time.
const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key whose form has been looked through. It is told as base64 of its DER.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MeshKey {
    der: Vec<u8>,
}

impl MeshKey {
    /// The key in this DER, or what is wrong with it.
    pub fn from_der(der: &[u8]) -> Result<Self, String> {
        let wrong = "the key is not an RSA public key";
        let (sequence, rest) = value(der, 0x30).ok_or(wrong)?;
        let (modulus, after) = value(sequence, 0x02).ok_or(wrong)?;
        let (exponent, end) = value(after, 0x02).ok_or(wrong)?;
        if !rest.is_empty() || !end.is_empty() {
            return Err(wrong.to_owned());
        }
        let modulus = number(modulus).ok_or(wrong)?;
        let exponent = number(exponent).ok_or(wrong)?;
        let bits = modulus.len() * 8 - modulus[0].leading_zeros() as usize;
        if !BITS.contains(&bits) {
            return Err(format!("the key has {bits} bits, not {} to {}", BITS.start(), BITS.end()));
        }
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        // With an exponent of 1 everybody can sign; more than 64 bits are refused by OpenSSL.
        if !odd(modulus) || !odd(exponent) || exponent == [1] || exponent.len() > 8 {
            return Err(wrong.to_owned());
        }
        Ok(Self { der: der.to_vec() })
    }

    /// The key in this text, as tinc writes it: nothing but the key.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        let body = text.trim().strip_prefix(BEGIN).and_then(|it| it.strip_suffix(END));
        let body = body.ok_or("the key is not written as an RSA public key")?;
        let letters: String = body.chars().filter(|c| *c != '\n' && *c != '\r').collect();
        Self::try_from(letters)
    }

    /// As DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// As tinc reads it, with a line end.
    pub fn pem(&self) -> String {
        let letters = BASE64.encode(&self.der);
        let mut text = format!("{BEGIN}\n");
        let mut rest = letters.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(LINE));
            text += line;
            text.push('\n');
            rest = after;
        }
        text + END + "\n"
    }
}

impl fmt::Debug for MeshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeshKey({} bytes)", self.der.len())
    }
}

impl TryFrom<String> for MeshKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::from_der(&BASE64.decode(text.as_bytes()).map_err(|_| "the key is not base64")?)
    }
}

impl From<MeshKey> for String {
    fn from(key: MeshKey) -> Self {
        BASE64.encode(&key.der)
    }
}

/// The contents of the value with this tag at the front of `der`, and what follows it. One length has one spelling.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [first, length, rest @ ..] = der else { return None };
    let (length, rest) = match (length, rest) {
        (0..=0x7f, rest) => (usize::from(*length), rest),
        (0x81, [a @ 0x80..=0xff, rest @ ..]) => (usize::from(*a), rest),
        (0x82, [a @ 1..=0xff, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        _ => return None,
    };
    if *first == tag { rest.split_at_checked(length) } else { None }
}

/// The digits of a positive whole number, without a leading zero.
fn number(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0, rest @ ..] if rest.first().is_some_and(|byte| *byte >= 0x80) => Some(rest),
        [0x01..=0x7f, ..] => Some(bytes),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::MeshKey;

    /// A key of the right form; nobody has the secret of it.
    pub fn der(bits: usize, seed: u8) -> Vec<u8> {
        let length = bits / 8;
        let mut modulus = vec![0, 0x80 | seed];
        modulus.extend((2..length).map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed)));
        modulus.push(seed | 1);
        let integer = |bytes: &[u8]| [&tag(0x02, bytes.len())[..], bytes].concat();
        let both = [integer(&modulus), integer(&[1, 0, 1])].concat();
        [tag(0x30, both.len()), both].concat()
    }

    fn tag(tag: u8, length: usize) -> Vec<u8> {
        match length {
            0..=0x7f => vec![tag, length as u8],
            0x80..=0xff => vec![tag, 0x81, length as u8],
            _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
        }
    }

    #[test]
    fn keys_of_the_right_form_come_back_as_they_were() {
        for bits in [2048, 3072, 4096, 8192] {
            let key = MeshKey::from_der(&der(bits, 7)).unwrap();
            assert_eq!(key.der(), der(bits, 7));
            assert_eq!(MeshKey::from_pem(&key.pem()), Ok(key.clone()));
            assert!(key.pem().lines().all(|line| line.len() <= 64 && line.is_ascii()));
            let json = serde_json::to_string(&key).unwrap();
            assert!(serde_json::from_str::<MeshKey>(&json).unwrap() == key);
        }
    }

    #[test]
    fn what_is_no_safe_key_is_refused() {
        assert_eq!(MeshKey::from_der(&der(1024, 7)).unwrap_err(), "the key has 1024 bits, not 2048 to 8192");
        assert_eq!(MeshKey::from_der(&der(8200, 7)).unwrap_err(), "the key has 8200 bits, not 2048 to 8192");
        let good = der(2048, 7);
        let even = good.len() - 1;
        for (at, byte) in [(0, 0x31), (even, 0), (even - 5, 0), (1, 0x83)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert!(MeshKey::from_der(&bad).is_err(), "{at}");
        }
        assert!(MeshKey::from_der(&[&good[..], &[0]].concat()).is_err());
        assert!(MeshKey::from_der(&good[..good.len() - 1]).is_err());
        let pem = MeshKey::from_der(&good).unwrap().pem();
        let hostile = [
            format!("Subnet = ::/0\n{pem}"),
            format!("{pem}ConnectTo = x\n"),
            pem.replacen('\n', "\n#x\n", 1),
            pem.replace("PUBLIC", "PRIVATE"),
            pem.replace("-----END", "\n-----END"),
            String::new(),
        ];
        for text in &hostile[..4] {
            assert!(MeshKey::from_pem(text).is_err(), "{text}");
        }
        assert!(MeshKey::from_pem(&hostile[4]).is_ok(), "an empty line is no harm: it is written anew");
        assert!(MeshKey::from_pem(&hostile[5]).is_err());
        // 2048 bits are 270 bytes: a whole number of groups. One byte more leaves bits over, which have one spelling.
        assert!(
            MeshKey::try_from("MIIB=".to_owned()).is_err()
                && MeshKey::try_from("MIIBCh==".to_owned()).is_err()
        );
    }

    proptest! {
        #[test]
        fn nothing_else_passes(mut bytes in any::<u16>().prop_map(|seed| der(2048, seed as u8)), at: proptest::sample::Index, byte: u8) {
            let place = at.index(bytes.len());
            bytes[place] = byte;
            if let Ok(key) = MeshKey::from_der(&bytes) {
                prop_assert_eq!(key.der(), &bytes[..]);
                prop_assert!(MeshKey::from_pem(&key.pem()) == Ok(key));
            }
        }
    }
    use proptest::strategy::Strategy;
}
