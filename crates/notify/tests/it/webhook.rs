//! Webhooks: only the address that was configured, no redirect, no secrets in errors.

use std::time::Duration;

use serde_json::json;
use tallykeep_notify::Webhook;
use tallykeep_testkit::upstream::{FakeUpstream, Misbehaviour};

fn webhook() -> Webhook {
    Webhook::new(Duration::from_secs(5), Duration::ZERO).expect("a client")
}

async fn fake() -> FakeUpstream {
    let fake = FakeUpstream::start("2026-03-08".parse().expect("a day")).await;
    fake.fixed("/hook/s3cret", json!({"ok": true}));
    fake.fixed("/inside", json!({"ok": true}));
    fake
}

#[tokio::test]
async fn the_document_arrives() {
    let fake = fake().await;
    let address = format!("{}/hook/s3cret?token=t", fake.base());
    webhook().post(&address, &json!({"message": "Grüße"})).await.expect("taken");
    let asked = fake.log().remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str(), asked.query.as_str()), ("POST", "/hook/s3cret", "token=t"));
    assert_eq!(asked.headers["content-type"], "application/json");
    assert_eq!(asked.body, r#"{"message":"Grüße"}"#);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let fake = fake().await;
    fake.misbehave("/hook", Misbehaviour::Redirect(format!("{}/inside", fake.base())), None);
    let error = webhook().post(&format!("{}/hook/s3cret", fake.base()), &json!({})).await.expect_err("a redirect");
    assert!(!error.is_temporary() && error.to_string().contains("301"), "{error}");
    assert!(!error.to_string().contains("s3cret") && !error.to_string().contains("inside"), "{error}");
    assert_eq!(fake.log().len(), 1);
    assert!(fake.asked("/inside").is_empty(), "the inside was not asked");
}

#[tokio::test]
async fn a_slip_is_tried_again_and_a_no_is_not() {
    let fake = fake().await;
    let address = format!("{}/hook/s3cret", fake.base());
    for trouble in [Misbehaviour::Status(503), Misbehaviour::TooMany(None), Misbehaviour::HangUp] {
        fake.forget();
        fake.misbehave("/hook", trouble.clone(), Some(2));
        webhook().post(&address, &json!({})).await.unwrap_or_else(|error| panic!("{trouble:?}: {error}"));
        assert_eq!(fake.log().len(), 3, "{trouble:?}");
    }
    fake.forget();
    fake.misbehave("/hook", Misbehaviour::Status(403), None);
    let error = webhook().post(&address, &json!({})).await.expect_err("403");
    assert!(!error.is_temporary() && error.to_string().ends_with("127.0.0.1 did not take the message: 403"), "{error}");
    assert_eq!(fake.log().len(), 1);
}

#[tokio::test]
async fn only_web_addresses_are_posted_to() {
    for (address, expected) in [
        ("file:///etc/passwd", "starts with `file:`"),
        ("gopher://example.org/x", "starts with `gopher:`"),
        ("http://user:pass@example.org/", "a name or a password"),
        ("nonsense", "is not one"),
    ] {
        let error = webhook().post(address, &json!({})).await.expect_err(address).to_string();
        assert!(error.contains(expected) && !error.contains("pass@"), "{error}");
    }
}
