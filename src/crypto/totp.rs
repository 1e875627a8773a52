//! Time-based one-time passwords (RFC 6238), and the base32 in which their secrets are written (RFC 4648 section 6).

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use super::digest::Algorithm;
use super::hmac::hmac;

/// A code and its terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totp {
    algorithm: Algorithm,
    digits: u32,
    /// Seconds.
    period: u64,
}

/// Why there is no code. Quotes no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TotpError {
    #[error("the algorithm must be sha1, sha256, sha512 or sm3")]
    Algorithm,
    #[error("digits must be 6 to 8")]
    Digits,
    #[error("period must be 1 to 3600 seconds")]
    Period,
    #[error("the secret is empty")]
    NoSecret,
    #[error("the secret is not base32: letters and the digits 2 to 7")]
    Base32,
}

impl Totp {
    /// `digits` and `period` as RFC 6238 calls them; 6 and 30 are the usual ones.
    pub fn new(algorithm: Algorithm, digits: u32, period: u32) -> Result<Self, TotpError> {
        // Truncation reads four bytes at up to the fifteenth (RFC 4226 section 5.3): a digest of 16 bytes is too short.
        if !matches!(algorithm, Algorithm::Sha1 | Algorithm::Sha256 | Algorithm::Sha512 | Algorithm::Sm3) {
            return Err(TotpError::Algorithm);
        }
        if !(6..=8).contains(&digits) {
            return Err(TotpError::Digits);
        }
        if !(1..=3600).contains(&period) {
            return Err(TotpError::Period);
        }
        Ok(Self { algorithm, digits, period: period.into() })
    }

    /// The code at `unix`, in seconds since 1970.
    pub fn code(self, secret: &[u8], unix: u64) -> Result<String, TotpError> {
        if secret.is_empty() {
            return Err(TotpError::NoSecret);
        }
        let mac = Zeroizing::new(hmac(self.algorithm, secret, &(unix / self.period).to_be_bytes()));
        let offset = usize::from(mac.last().copied().unwrap_or_default() & 0x0f);
        let four = mac.get(offset..offset + 4).unwrap_or_default();
        let number = four.iter().fold(0_u32, |so_far, byte| so_far << 8 | u32::from(*byte)) & 0x7fff_ffff;
        Ok(format!("{:0width$}", number % 10_u32.pow(self.digits), width = self.digits as usize))
    }
}

/// The bytes of a secret as authenticator apps show it: either case, in groups, padded or not.
pub fn secret_of_base32(text: &str) -> Result<Zeroizing<Vec<u8>>, TotpError> {
    let shown = text.chars().filter(|c| !matches!(c, ' ' | '-' | '='));
    let dense = Zeroizing::new(shown.map(|c| c.to_ascii_uppercase()).collect::<String>());
    // Secrets that were drawn letter by letter end in bits that no byte has; authenticator apps pass over them.
    let mut lenient = BASE32_NOPAD.specification();
    lenient.check_trailing_bits = false;
    let lenient = lenient.encoding().map_err(|_| TotpError::Base32)?;
    lenient.decode(dense.as_bytes()).map(Zeroizing::new).map_err(|_| TotpError::Base32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, with the seeds of the code in appendix A: as long as the digest.
    #[test]
    fn the_vectors_of_rfc_6238() {
        let seed = |length: usize| "1234567890".bytes().cycle().take(length).collect::<Vec<_>>();
        for (unix, sha1, sha256, sha512) in [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ] {
            for (algorithm, length, code) in
                [(Algorithm::Sha1, 20, sha1), (Algorithm::Sha256, 32, sha256), (Algorithm::Sha512, 64, sha512)]
            {
                let totp = Totp::new(algorithm, 8, 30).unwrap();
                assert_eq!(totp.code(&seed(length), unix).unwrap(), code, "{algorithm:?} at {unix}");
            }
        }
    }

    #[test]
    fn a_secret_is_read_as_apps_show_it() {
        for text in [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
            "GEZDGNBVGY3TQOJQ-GEZDGNBVGY3TQOJQ",
        ] {
            assert_eq!(secret_of_base32(text).unwrap().as_slice(), b"12345678901234567890", "{text}");
        }
        assert_eq!(secret_of_base32("GEZD").unwrap().as_slice(), b"12");
        assert_eq!(secret_of_base32("MZXW6===").unwrap().as_slice(), b"foo");
        for text in ["GEZD1", "GEZD8888", "geheim!", "A"] {
            assert_eq!(secret_of_base32(text), Err(TotpError::Base32), "{text}");
        }
    }

    #[test]
    fn terms_out_of_range_are_refused() {
        assert_eq!(Totp::new(Algorithm::Md5, 6, 30), Err(TotpError::Algorithm));
        assert_eq!(Totp::new(Algorithm::Sha1, 5, 30), Err(TotpError::Digits));
        assert_eq!(Totp::new(Algorithm::Sha1, 9, 30), Err(TotpError::Digits));
        assert_eq!(Totp::new(Algorithm::Sha1, 6, 0), Err(TotpError::Period));
        assert_eq!(Totp::new(Algorithm::Sha1, 6, 1_000_000_000), Err(TotpError::Period));
        assert_eq!(Totp::new(Algorithm::Sha1, 6, 30).unwrap().code(b"", 0), Err(TotpError::NoSecret));
    }
}
