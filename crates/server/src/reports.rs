//! Where reports come from: the domains of an app.

use std::sync::Arc;

use tallykeep_chat::service::Chat;
use tallykeep_control::TeamControl;
use tallykeep_packages::{Packages, days::latest_completed_day, report::periodic};
use tallykeep_reports::{Document, ReportSpec, Source, SourceError, Span, Subject};
use tallykeep_repository::Repository;

use crate::{App, JobContext};

/// The domains as a source of reports. A domain that is not there cannot be reported on.
pub struct DomainSource {
    pub repository: Option<Arc<Repository>>,
    pub packages: Option<Arc<Packages>>,
    pub chat: Option<Arc<Chat>>,
    /// Address people type, without a slash at the end; without it reports have no link.
    pub base: Option<String>,
}

impl DomainSource {
    pub fn of(app: &App, base: Option<&str>) -> Self {
        Self {
            repository: app.service().ok(),
            packages: app.service().ok(),
            chat: app.service().ok(),
            base: base.map(str::to_owned),
        }
    }

    pub fn of_job(context: &JobContext, base: Option<&str>) -> Self {
        Self {
            repository: context.service().ok(),
            packages: context.service().ok(),
            chat: context.service().ok(),
            base: base.map(str::to_owned),
        }
    }

    fn link(&self, team: &TeamControl, path: &str) -> Option<String> {
        let slug = team.team().slug.as_str();
        let base = self.base.as_ref()?;
        let prefix = if slug == tallykeep_model::TeamSlug::DEFAULT { String::new() } else { format!("/a/{slug}") };
        Some(format!("{base}{prefix}{path}"))
    }

    async fn of_repository(
        &self,
        team: &TeamControl,
        spec: &ReportSpec,
        span: &Span,
    ) -> Result<Vec<Document>, SourceError> {
        let repository = there(&self.repository)?.of(team.clone());
        let mut scopes = Vec::new();
        match spec.scope.as_str() {
            "communities" => {
                for community in repository.communities().await.map_err(failed)? {
                    // A list of receivers for all is no list of a restricted community's members: it is reported on by name only.
                    if !community.restricted && repository.dashboard_shown(&community).await.map_err(failed)? {
                        scopes.push(Some(community));
                    }
                }
            }
            name => scopes.push(repository.community(name).await.map_err(failed)?),
        }
        let mut documents = Vec::new();
        for community in scopes {
            let mut document = repository.periodic(&spec.name, community.as_ref(), span).await.map_err(failed)?;
            document.link = match &community {
                Some(community) => self.link(team, &format!("/communities/{}/stats", community.slug)),
                None => self.link(team, "/stats"),
            };
            documents.push(document);
        }
        Ok(documents)
    }

    async fn of_packages(
        &self,
        team: &TeamControl,
        spec: &ReportSpec,
        span: &Span,
    ) -> Result<Vec<Document>, SourceError> {
        let packages = there(&self.packages)?;
        let config = packages.config(&team.packages()).await.map_err(failed)?;
        let index = packages.reader(team).index().await.map_err(failed)?;
        let mut document = periodic(&index, &config, &spec.name, span, latest_completed_day(team.clock()));
        document.link = self.link(team, "/packages");
        Ok(vec![document])
    }

    async fn of_chat(&self, team: &TeamControl, spec: &ReportSpec, span: &Span) -> Result<Vec<Document>, SourceError> {
        let mut document = there(&self.chat)?.digest(team, &spec.name, span).await.map_err(failed)?;
        let path = format!("/a/{}/dashboard/", team.team().slug);
        document.link = self.base.as_ref().map(|base| format!("{base}{path}"));
        Ok(vec![document])
    }
}

#[async_trait::async_trait]
impl Source for DomainSource {
    async fn documents(
        &self,
        team: &TeamControl,
        spec: &ReportSpec,
        span: &Span,
    ) -> Result<Vec<Document>, SourceError> {
        match spec.subject {
            Subject::Repository => self.of_repository(team, spec, span).await,
            Subject::Packages => self.of_packages(team, spec, span).await,
            Subject::Chat => self.of_chat(team, spec, span).await,
        }
    }
}

fn there<T>(service: &Option<Arc<T>>) -> Result<&Arc<T>, SourceError> {
    service.as_ref().ok_or_else(|| SourceError("this domain is not part of the installation".to_owned()))
}

fn failed(error: impl std::fmt::Display) -> SourceError {
    SourceError(error.to_string())
}
