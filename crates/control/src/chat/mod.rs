//! What chat keeps in the control database (spec/chat §7, §8, §10, §13.3).

mod cache;
mod expressions;
mod presets;
mod snapshots;
mod state;

pub use cache::{CacheEntry, NewCacheEntry};
pub use expressions::SavedExpression;
pub use presets::Preset;
pub use snapshots::StoredSnapshot;
pub use state::ChatState;
