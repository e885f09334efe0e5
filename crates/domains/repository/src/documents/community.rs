//! Communities (spec/invenio §1.2).

use jiff::Timestamp;
use serde_json::Value;

use super::{Rejection, instant, object, optional, required};

#[derive(Debug, Clone, PartialEq)]
pub struct Community {
    pub id: String,
    pub slug: String,
    pub created: Option<Timestamp>,
    pub title: String,
    /// `stats:dashboard_enabled` as the document has it.
    pub dashboard_enabled: Option<bool>,
    /// `stats:dashboard_layout` as the document has it.
    pub dashboard_layout: Option<Value>,
    /// `restricted` when only members may read it.
    pub restricted: bool,
}

impl Community {
    /// Reads and checks a community. Errors name the field.
    pub fn from_json(document: &Value) -> Result<Self, Rejection> {
        object(document)?;
        let id = required(document, "id")?;
        let slug = optional(document, "slug")?.unwrap_or_else(|| id.clone());
        let created = optional(document, "created")?.map(|text| instant("created", &text)).transpose()?;
        let title = document.pointer("/metadata/title").and_then(Value::as_str).unwrap_or(&slug).to_owned();
        let custom = |name: &str| document.get("custom_fields").and_then(|fields| fields.get(name));
        let dashboard_enabled = custom("stats:dashboard_enabled").and_then(Value::as_bool);
        let dashboard_layout = custom("stats:dashboard_layout").filter(|layout| !layout.is_null()).cloned();
        let restricted = document.pointer("/access/visibility").and_then(Value::as_str) == Some("restricted");
        Ok(Self { id, slug, created, title, dashboard_enabled, dashboard_layout, restricted })
    }
}
