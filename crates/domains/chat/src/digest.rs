//! The digest that arrives by itself: a week or month of a team's chats beside the one before. Counts only, no names of people.

use jiff::tz::TimeZone;
use serde_json::Value;
use tallykeep_control::TeamControl;
use tallykeep_reports::{Amount, Document, Figure, Section, Span};

use crate::{
    charts::Chart,
    filter::Params,
    service::{Chat, ChatError},
};

/// Bots named in a digest, at most.
const BOTS: usize = 10;

impl Chat {
    /// The document of a span, its days in UTC. The figures are those of the dashboard's tiles and table of bots for the same days.
    ///
    /// The period before is unknown when the team's first message came after it ended.
    pub async fn digest(&self, team: &TeamControl, report: &str, span: &Span) -> Result<Document, ChatError> {
        let before = span.before();
        let now = self.tiles(team, span).await?;
        let earlier = self.has_messages_by_the_end_of(team, &before).await?;
        let previous = if earlier { Some(self.tiles(team, &before).await?) } else { None };
        let count = |name: &str, key: &str| {
            let of = |tiles: &Value| tiles[key].as_i64();
            Figure::count(name, of(&now), previous.as_ref().and_then(of))
        };
        let amount = |name: &str, key: &str, make: fn(f64) -> Amount| Figure {
            name: name.to_owned(),
            now: now[key].as_f64().map(make),
            before: previous.as_ref().and_then(|tiles| tiles[key].as_f64()).map(make),
            note: String::new(),
        };
        let mut sections = vec![Section {
            title: "Conversations".to_owned(),
            figures: vec![
                count("Sessions", "total_sessions"),
                count("People who wrote", "active_participants"),
                count("Messages", "total_messages"),
                count("Messages by people", "human_messages"),
                count("Messages by bots", "ai_messages"),
                count("Bots in use", "active_experiments"),
                amount("Sessions completed", "completion_rate", Amount::Percent),
                amount("Messages a session", "avg_messages_per_session", Amount::Average),
            ],
        }];
        let bots = self.bots(team, span).await?;
        if !bots.is_empty() {
            let earlier = if earlier { Some(self.bots(team, &before).await?) } else { None };
            let figures = bots.iter().filter(|bot| bot.messages > 0).take(BOTS).map(|bot| {
                let was =
                    earlier.as_ref().map(|rows| rows.iter().find(|row| row.id == bot.id).map_or(0, |row| row.messages));
                Figure::count(bot.name.clone(), Some(bot.messages), was)
            });
            sections.push(Section { title: "Messages by bot".to_owned(), figures: figures.collect() });
        }
        sections.retain(|section| !section.figures.is_empty());
        let mut remarks = Vec::new();
        if !earlier {
            remarks.push(format!("There is nothing to compare with: no messages are known before {}.", span.first));
        }
        Ok(Document {
            report: report.to_owned(),
            scope: String::new(),
            slug: String::new(),
            title: format!("Chats of {}", team.team().name),
            about: "Sessions count when somebody wrote in them; days are UTC days.".to_owned(),
            period: *span,
            before,
            sections,
            remarks,
            link: None,
        })
    }

    async fn tiles(&self, team: &TeamControl, span: &Span) -> Result<Value, ChatError> {
        Ok(self.answer(team, Chart::Overview, &days(span), &TimeZone::UTC).await?.body)
    }

    /// Every listed bot with its messages, most first.
    async fn bots(&self, team: &TeamControl, span: &Span) -> Result<Vec<Bot>, ChatError> {
        let body = self.all_bots(team, &days(span), &TimeZone::UTC).await?.body;
        let rows = body.as_array().or_else(|| body["results"].as_array());
        let mut bots: Vec<Bot> = rows
            .into_iter()
            .flatten()
            .filter_map(|row| {
                Some(Bot {
                    id: row["experiment_id"].as_i64()?,
                    name: row["experiment_name"].as_str()?.to_owned(),
                    messages: row["messages"].as_i64()?,
                })
            })
            .collect();
        bots.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.name.cmp(&b.name)));
        Ok(bots)
    }

    /// Whether a message is known from before the end of a span: else its silence says nothing.
    async fn has_messages_by_the_end_of(&self, team: &TeamControl, span: &Span) -> Result<bool, ChatError> {
        let until = [("date_range", "custom"), ("start_date", "2000-01-01")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let params = Params::from_pairs(until.into_iter().chain([("end_date".to_owned(), span.last.to_string())]));
        let tiles = self.answer(team, Chart::Overview, &params, &TimeZone::UTC).await?.body;
        Ok(tiles["total_messages"].as_i64().is_some_and(|messages| messages > 0))
    }
}

struct Bot {
    id: i64,
    name: String,
    messages: i64,
}

fn days(span: &Span) -> Params {
    Params::from_pairs([
        ("date_range", "custom".to_owned()),
        ("start_date", span.first.to_string()),
        ("end_date", span.last.to_string()),
        ("tz", "UTC".to_owned()),
    ])
}
