//! Pictures of a few digits, as a captcha shows them: PNG (ISO/IEC 15948), one bit a pixel, with dots of noise.
//!
//! Written by hand, a page of code, rather than with an image library: the demo needs one kind of picture.

/// Digits of 5 by 7, a row a byte.
const DIGITS: [[u8; 7]; 10] = [
    [0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e],
    [0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e],
    [0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f],
    [0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e],
    [0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02],
    [0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e],
    [0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e],
    [0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08],
    [0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e],
    [0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c],
];

/// Pixels that one dot of a digit takes each way.
const DOT: usize = 4;
const HEIGHT: usize = 11 * DOT;

/// The picture of `digits`; `noise` says how far each is shifted and where dots are.
pub(super) fn png(digits: &str, noise: &[u8; 32]) -> Vec<u8> {
    let width = (digits.len() * 7 + 1) * DOT;
    let row_bytes = width.div_ceil(8);
    // Filter 0 (none) before each row; 1 is white.
    let mut rows = vec![0xff; HEIGHT * (1 + row_bytes)];
    rows.iter_mut().step_by(1 + row_bytes).for_each(|filter| *filter = 0);
    let mut ink = |x: usize, y: usize| rows[y * (1 + row_bytes) + 1 + x / 8] &= !(0x80 >> (x % 8));
    for (place, digit) in digits.bytes().enumerate() {
        let glyph = DIGITS[usize::from(digit.wrapping_sub(b'0')) % 10];
        let (left, top) = ((place * 7 + 1) * DOT, usize::from(noise[place % 32]) % (4 * DOT));
        for (row, bits) in glyph.iter().enumerate() {
            for column in (0..5).filter(|column| bits & (0x10 >> column) != 0) {
                for (dx, dy) in (0..DOT).flat_map(|dx| (0..DOT).map(move |dy| (dx, dy))) {
                    ink(left + column * DOT + dx, top + row * DOT + dy);
                }
            }
        }
    }
    for pair in noise.windows(2) {
        ink(usize::from(pair[0]) * width / 256, usize::from(pair[1]) * HEIGHT / 256);
    }
    file(width, &rows)
}

fn file(width: usize, rows: &[u8]) -> Vec<u8> {
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or_default().to_be_bytes();
    let mut header = [side(width), side(HEIGHT)].concat();
    header.extend([1, 0, 0, 0, 0]); // one bit, greyscale, deflate, the one filter method, not interlaced
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"IDAT", &stored(rows));
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).unwrap_or_default().to_be_bytes());
    let from = png.len();
    png.extend(kind);
    png.extend(data);
    let sum = crc(&png[from..]);
    png.extend(sum.to_be_bytes());
}

/// A zlib stream (RFC 1950) of one stored block (RFC 1951 section 3.2.4), which takes up to 65,535 bytes.
fn stored(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or_default();
    let mut stream = vec![0x78, 0x01, 0x01];
    stream.extend(length.to_le_bytes());
    stream.extend((!length).to_le_bytes());
    stream.extend(data);
    let (low, high) = data.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    stream.extend((high << 16 | low).to_be_bytes());
    stream
}

/// CRC-32 as PNG has it (ISO/IEC 15948 annex D).
fn crc(data: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 1 { 0xedb8_8320 ^ sum >> 1 } else { sum >> 1 };
    !data.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::{crc, png, stored};

    #[test]
    fn checksums_of_the_standards() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        assert_eq!(stored(b"Wikipedia")[16..], 0x11e6_0398_u32.to_be_bytes(), "Adler-32");
    }

    #[test]
    fn the_same_digits_look_different_each_time() {
        let (one, other) = (png("31415", &[7; 32]), png("31415", &[9; 32]));
        assert!(one.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x90\0\0\0\x2c\x01"));
        assert!(one.ends_with(b"IEND\xae\x42\x60\x82"));
        assert_ne!(one, other);
        assert_ne!(png("31416", &[7; 32]), one);
    }
}
