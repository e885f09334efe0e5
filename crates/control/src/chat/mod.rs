//! What chat keeps in the control database (spec/chat §7, §8, §10, §13.3).

mod bookmarks;
mod cache;
mod expressions;
mod presets;
mod prices;
mod snapshots;
mod state;

pub use bookmarks::ChatBookmark;
pub use cache::{CacheEntry, NewCacheEntry};
pub use expressions::SavedExpression;
pub use presets::Preset;
pub use prices::PriceRule;
pub use snapshots::StoredSnapshot;
pub use state::ChatState;
