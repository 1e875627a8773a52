//! What the demo server takes for the secrets that the shipped connectors send.

/// The key of the application behind the query protocol.
pub const APP_KEY: &str = crate::query::APP_KEY;
/// The secret of the OAuth client.
pub const OPEN_CLIENT_SECRET: &str = crate::flows::OPEN_CLIENT_SECRET;
/// The secret access key of AWS Signature Version 4.
pub const AWS_SECRET: &str = crate::flows::AWS_SECRET;
/// The secret of the clients of Spring's authorization server.
pub const SPRING_SECRET: &str = crate::flows::SPRING_SECRET;
/// The secret of the OAuth 1.0a consumer.
pub const OAUTH1_SECRET: &str = crate::flows::OAUTH1_SECRET;
/// The secret of the client of the OpenID provider.
pub const OIDC_SECRET: &str = crate::flows::OIDC_SECRET;
/// The secret of the WeCom corporation.
pub const WECOM_CORP_SECRET: &str = crate::flows::WECOM_CORP_SECRET;
/// The secret of the DingTalk application.
pub const DINGTALK_APP_SECRET: &str = crate::flows::DINGTALK_APP_SECRET;
/// The key of the application that signs with HMAC.
pub const APP_HMAC_KEY: &str = crate::flows::APP_HMAC_KEY;
/// The key of the application that encrypts with AES.
pub const SEALED_KEY: &str = crate::flows::SEALED_KEY;
/// The key of the merchant that signs as WeChat Pay does.
pub const PAY_KEY: &str = crate::flows::PAY_KEY;
/// The key of the interface whose bodies are signed.
pub const HR_KEY: &str = crate::flows::HR_KEY;
