//! Which pages are read, and how far the bookmark moves.

use tallykeep_control::{chat::ChatBookmark, foreign::open_chat_studio::Page};

use super::{ImportError, Run};
use crate::instant::{MINUTE, Micros};

/// A row says when it changed, but is seen only when its transaction ends: changes are looked for this far back.
pub(super) const LATE: Micros = 60 * MINUTE;
/// Traces say only when they began; they are finished by then.
pub(super) const LATE_TRACES: Micros = 24 * 60 * MINUTE;

/// The pages of one kind in one run.
pub(super) struct Sweep {
    kind: &'static str,
    source: String,
    /// Where the bookmark stood; rows up to it are read again only when they changed.
    was: Option<ChatBookmark>,
    /// How the bookmark moves while pages are written: as of the start of the first run that is not finished.
    seen_at: Micros,
    moment: Micros,
    changed_since: Micros,
    limit: usize,
    /// The page to be read next; `None` at the end.
    next: Option<Page>,
}

impl Sweep {
    /// Begins where the last run ended. `full`: at the beginning.
    pub async fn begin(run: &Run<'_>, kind: &'static str, late: Micros) -> Result<Self, ImportError> {
        let source = run.source.name().to_owned();
        let moment = run.source.moment();
        let was = run.team.control.chat_bookmark(&source, kind).await?.filter(|_| !run.options.full);
        let limit = run.options.page.max(1);
        let seen_at = was.map_or(moment, |bookmark| bookmark.seen_at);
        let mut sweep =
            Self { kind, source, was, seen_at, moment, changed_since: seen_at.saturating_sub(late), limit, next: None };
        sweep.next = Some(match was {
            Some(bookmark) => sweep.changed(i64::MIN, bookmark.last_id),
            None => sweep.new_rows(i64::MIN),
        });
        Ok(sweep)
    }

    /// A page of rows the last run has seen, and that changed since.
    fn changed(&self, after: i64, until: i64) -> Page {
        Page { after, until, changed_since: Some(self.changed_since), limit: self.limit() }
    }

    fn new_rows(&self, after: i64) -> Page {
        Page::after(after, self.limit())
    }

    fn limit(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX)
    }

    pub fn page(&self) -> Option<Page> {
        self.next
    }

    /// Whether the page at hand is of rows no run has read.
    pub fn is_new(&self) -> bool {
        self.next.is_some_and(|page| page.changed_since.is_none())
    }

    /// The page is written: on to the next, from its greatest id on. `rows` is how many it had.
    pub async fn written(&mut self, run: &Run<'_>, rows: usize, greatest: Option<i64>) -> Result<(), ImportError> {
        let Some(page) = self.next.take() else { return Ok(()) };
        let after = greatest.unwrap_or(page.after);
        if page.changed_since.is_some() {
            let known = self.was.map_or(i64::MIN, |bookmark| bookmark.last_id);
            self.next = Some(if rows < self.limit { self.new_rows(known) } else { self.changed(after, page.until) });
            return Ok(());
        }
        if rows == self.limit {
            self.next = Some(self.new_rows(after));
        }
        // At the end everything is as of this run's moment; before it, rows up to here are as of the first unfinished run's.
        let seen_at = if self.next.is_some() { self.seen_at } else { self.moment };
        let last_id = after.max(self.was.map_or(i64::MIN, |bookmark| bookmark.last_id));
        run.team.control.chat_set_bookmark(&self.source, self.kind, ChatBookmark { last_id, seen_at }).await?;
        Ok(())
    }
}
