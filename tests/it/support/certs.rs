//! Certificates made on the spot: authorities, servers, clients; good ones and bad ones.

use base64::Engine as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::Digest as _;

/// A certificate and its key.
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub cert_pem: Vec<u8>,
    pub key_pem: Vec<u8>,
    key: Vec<u8>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub pin: [u8; 32],
}

impl Identity {
    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            chain: vec![certificate.der().clone()],
            cert_pem: certificate.pem().into_bytes(),
            key_pem: key.serialize_pem().into_bytes(),
            key: key.serialize_der(),
            pin: spki_sha256(key),
        }
    }

    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }

    /// Signed by itself.
    pub fn self_signed(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        Self::new(&CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap(), &key)
    }
}

fn spki_sha256(key: &KeyPair) -> [u8; 32] {
    let pem = key.public_key_pem();
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    sha2::Sha256::digest(base64::engine::general_purpose::STANDARD.decode(base64).unwrap()).into()
}

/// A certificate authority.
pub struct Authority {
    pub pem: Vec<u8>,
    pub der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem().into_bytes(), certificate.der().clone());
        Self { pem, der, issuer: Issuer::new(params, key) }
    }

    /// The authority's own certificate and key, misused as a server's.
    pub fn as_server(&self) -> Identity {
        let key = self.issuer.key();
        Identity {
            chain: vec![self.der.clone()],
            cert_pem: self.pem.clone(),
            key_pem: key.serialize_pem().into_bytes(),
            key: key.serialize_der(),
            pin: spki_sha256(key),
        }
    }

    /// For these names and addresses, from and to these years.
    pub fn issue(&self, names: &[&str], years: (i32, i32)) -> Identity {
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.not_before = date_time_ymd(years.0, 1, 2);
        params.not_after = date_time_ymd(years.1, 1, 2);
        let key = KeyPair::generate().unwrap();
        Identity::new(&params.signed_by(&key, &self.issuer).unwrap(), &key)
    }

    /// Good for a test's life time.
    pub fn good(&self, names: &[&str]) -> Identity {
        self.issue(names, (2020, 4000))
    }
}
