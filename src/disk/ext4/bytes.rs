//! Numbers in ext4's structures, which are little-endian, and its checksum.

/// The 16-bit number at `at`.
pub fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// The 32-bit number at `at`.
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

/// Writes `value` at `at`.
pub fn put16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

/// Writes `value` at `at`.
pub fn put32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// The lower half of a number whose halves stand apart.
pub fn low16(value: u32) -> u16 {
    let [a, b, ..] = value.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// The upper half of it.
pub fn high16(value: u32) -> u16 {
    low16(value >> 16)
}

/// The lower half of a 64-bit number.
pub fn low32(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// The upper half of it.
pub fn high32(value: u64) -> u32 {
    low32(value >> 32)
}

/// CRC-32C as ext4 has it: unlike elsewhere it is inverted neither before nor after.
pub fn crc(seed: u32, bytes: &[u8]) -> u32 {
    !crc32c::crc32c_append(!seed, bytes)
}

#[cfg(test)]
mod tests {
    use super::{crc, high16, low16, low32, put32, u32_at};

    #[test]
    fn halves_make_a_whole() {
        let mut bytes = [0; 6];
        put32(&mut bytes, 1, 0x1234_5678);
        assert_eq!(bytes, [0, 0x78, 0x56, 0x34, 0x12, 0]);
        assert_eq!(u32_at(&bytes, 1), 0x1234_5678);
        assert_eq!((high16(0x1234_5678), low16(0x1234_5678)), (0x1234, 0x5678));
        assert_eq!(low32(0x1_0000_0002), 2);
    }

    #[test]
    fn a_checksum_goes_on_where_another_ended() {
        // The check value of CRC-32C, inverted before and after.
        assert_eq!(!crc(!0, b"123456789"), 0xe306_9283);
        assert_eq!(crc(crc(7, b"1234"), b"56789"), crc(7, b"123456789"));
    }
}
