//! Kept answers (seed 004; spec/invenio §9): whole data series categories of one scope and year, made before anybody asks.
//!
//! An answer is kept with the generation of its scope, family and year, and served only while that is the newest: aggregation gives a new
//! generation to what it changes, in the transaction in which its numbers become known. Kept in control, the busiest in memory.

mod body;
mod generate;
mod identity;
mod plan;
mod served;
mod service;

pub use body::digest;
pub use generate::{GenerateProgress, GenerateReport, GenerateWatch, Generated, NotGenerated};
pub use identity::{Category, Identity};
pub use plan::{GeneratePlan, GenerateRequest, PlannedCommunity, Years};
pub use served::Served;
pub(crate) use served::{Memory, memory};
pub use service::{CacheInfo, CachedResponse, CachedResponses, ListedResponse, SizeInfo};
