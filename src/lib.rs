//! Doorward: a zero-trust external HTTP(S) authentication connector daemon.
//!
//! A console asks whether a user's password (or code) is right; Doorward asks the customer's own
//! authentication server over HTTP(S), as a connector file declares, and answers with one of five verdicts.

pub mod account;
pub mod api;
pub mod attempt;
pub mod audit;
pub mod budget;
pub mod catalog;
pub mod clock;
pub mod condition;
pub mod config;
pub mod connector;
pub mod context;
pub mod cookies;
pub mod crypto;
pub mod diagnostic;
pub mod document;
pub mod door;
pub mod dumps;
pub mod edit;
pub mod files;
pub mod flow;
pub mod golden;
pub mod guard;
pub mod http;
pub mod lang;
pub mod log;
pub mod mapping;
pub mod mask;
pub mod metrics;
pub mod otel;
pub mod packing;
pub mod pattern;
pub mod percent;
pub mod reading;
pub mod request;
pub mod response;
pub mod script;
pub mod secret;
pub mod session;

pub mod shipped;
pub mod sign_in;
pub mod signing;
pub mod state;
pub mod studio;
pub mod template;
pub mod token;
pub mod trace;
pub mod upstream;
pub mod verdict;
pub mod words;
pub mod yaml;
