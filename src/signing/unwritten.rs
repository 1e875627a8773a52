//! The written forms of schemes that cannot sign yet: read and described, then refused, never ignored.
//!
//! A new scheme moves its form into a file of its own and its name out of the list at the end.

use super::{Compile, Scheme, Written};
use crate::reading::record::{record, words};
use crate::reading::{Dict, OneOrMany, Spanned, Text, TimeSpan, Tree};

record! {
    /// AWS Signature Version 4.
    pub struct AwsSigv4 as "aws_sigv4" {
        /// The access key id.
        access_key: Text,
        /// The secret access key.
        secret_key: Text,
        /// The session token of temporary credentials.
        session_token: Option<Text>,
        /// The region, such as `cn-north-1`.
        region: Text,
        /// The service, such as `execute-api`.
        service: Text,
    }
}

record! {
    /// OAuth 1.0a (RFC 5849).
    pub struct Oauth1 as "oauth1" {
        /// The client's identifier.
        consumer_key: Text,
        /// The client's secret, or its RSA key.
        consumer_secret: Text,
        /// The token.
        token: Option<Text>,
        /// The token's secret.
        token_secret: Option<Text>,
        /// The signature method; HMAC-SHA1 when left out.
        method: Option<Spanned<Oauth1Method>>,
        /// The realm of the header.
        realm: Option<Text>,
    }
}

words! {
    /// A signature method of OAuth 1.0a.
    pub enum Oauth1Method as "a signature method" {
        /// RFC 5849 section 3.4.2
        HmacSha1 = "HMAC-SHA1",
        /// As deployed with SHA-256
        HmacSha256 = "HMAC-SHA256",
        /// RFC 5849 section 3.4.3
        RsaSha1 = "RSA-SHA1",
        /// RFC 5849 section 3.4.4
        Plaintext = "PLAINTEXT",
    }
}

record! {
    /// A token of the service's own by OAuth 2.0 (RFC 6749), cached, refreshed before it expires.
    pub struct Oauth2 as "oauth2" {
        /// The token endpoint.
        token_url: Text,
        /// `client_credentials` (when left out) or `refresh`.
        grant: Option<Spanned<Grant>>,
        /// The client's identifier.
        client_id: Text,
        /// The client's secret.
        client_secret: Option<Text>,
        /// How the client proves itself; basic when left out.
        client_auth: Option<Spanned<ClientAuth>>,
        /// With `grant: refresh`: the refresh token.
        refresh_token: Option<Text>,
        /// With `client_auth: private_key_jwt`: the private key, PEM.
        private_key: Option<Text>,
        /// The scope asked for.
        scope: Option<Text>,
        /// The audience asked for.
        audience: Option<Text>,
    }
}

words! {
    /// A grant of OAuth 2.0.
    pub enum Grant as "a grant" {
        /// RFC 6749 section 4.4
        ClientCredentials = "client_credentials",
        /// RFC 6749 section 6
        Refresh = "refresh",
    }
}

words! {
    /// How a client proves itself to a token endpoint.
    pub enum ClientAuth as "a client authentication" {
        /// HTTP Basic, form-urlencoded as RFC 6749 section 2.3.1 says.
        Basic = "basic",
        /// HTTP Basic as many servers want it.
        BasicRaw = "basic_raw",
        /// In the form.
        Form = "form",
        /// RFC 7523 with the client's secret.
        ClientSecretJwt = "client_secret_jwt",
        /// RFC 7523 with a private key.
        PrivateKeyJwt = "private_key_jwt",
    }
}

record! {
    /// A token for a signed assertion (RFC 7523 section 2.1), cached like those of `oauth2`.
    pub struct JwtBearer as "jwt_bearer" {
        /// The token endpoint.
        token_url: Text,
        /// The private key, PEM, or the shared secret with HS256.
        key: Text,
        /// RS256 PS256 ES256 EdDSA HS256; RS256 when left out.
        algorithm: Option<Spanned<JwtAlgorithm>>,
        /// The key's identifier, for the header.
        key_id: Option<Text>,
        /// The claim `iss`.
        issuer: Text,
        /// The claim `sub`; the issuer when left out.
        subject: Option<Text>,
        /// The claim `aud`; the token endpoint when left out.
        audience: Option<OneOrMany<Text>>,
        /// How long the assertion lives; 5m when left out.
        expires_in: Option<Spanned<TimeSpan>>,
        /// Further claims.
        claims: Dict<Tree>,
        /// The scope asked for.
        scope: Option<Text>,
    }
}

words! {
    /// A signature algorithm of JSON Web Tokens (RFC 7518 section 3.1, RFC 8037).
    pub enum JwtAlgorithm as "a signature algorithm" {
        /// RSASSA-PKCS1-v1_5 with SHA-256
        Rs256 = "RS256",
        /// RSASSA-PSS with SHA-256
        Ps256 = "PS256",
        /// ECDSA on P-256 with SHA-256
        Es256 = "ES256",
        /// Ed25519
        EdDsa = "EdDSA",
        /// HMAC with SHA-256
        Hs256 = "HS256",
    }
}

/// Refuses the schemes of these forms.
macro_rules! not_yet {
    ($( $form:ident = $key:literal, )*) => {
        $( impl Written for $form {
            fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
                compile.not_supported($key);
                None
            }
        } )*
    };
}

not_yet! {
    AwsSigv4 = "aws_sigv4",
    Oauth1 = "oauth1",
    Oauth2 = "oauth2",
    JwtBearer = "jwt_bearer",
}
