//! What the invented repository is made of. Institutions, journals and funders are made up.

/// Resource types: id, English and German title, weight, typical file extensions.
pub(super) const TYPES: &[(&str, &str, &str, f64, &[&str])] = &[
    ("dataset", "Dataset", "Datensatz", 30.0, &["csv", "zip", "xlsx", "nc", "json", "txt"]),
    ("publication-article", "Journal article", "Zeitschriftenartikel", 24.0, &["pdf"]),
    ("publication-report", "Report", "Bericht", 10.0, &["pdf", "docx"]),
    ("publication-thesis", "Thesis", "Abschlussarbeit", 8.0, &["pdf"]),
    ("presentation", "Presentation", "Präsentation", 7.0, &["pdf", "pptx"]),
    ("software", "Software", "Software", 6.0, &["zip", "gz", "md"]),
    ("image-photo", "Photo", "Foto", 5.0, &["jpg", "tif", "png"]),
    ("poster", "Poster", "Poster", 4.0, &["pdf", "png"]),
    ("lesson", "Lesson", "Lerneinheit", 3.0, &["pdf", "mp4", "docx"]),
    ("video", "Video/Audio", "Video/Audio", 3.0, &["mp4", "mp3"]),
];

/// Access status and weight; `metadata-only` records have no files.
pub(super) const ACCESS: &[(&str, f64)] =
    &[("open", 78.0), ("metadata-only", 10.0), ("restricted", 8.0), ("embargoed", 4.0)];

/// Languages: ISO 639-3 id, title, weight.
pub(super) const LANGUAGES: &[(&str, &str, f64)] = &[
    ("eng", "English", 62.0),
    ("deu", "German", 12.0),
    ("fra", "French", 8.0),
    ("spa", "Spanish", 6.0),
    ("por", "Portuguese", 3.0),
    ("ita", "Italian", 2.5),
    ("zho", "Chinese", 2.0),
    ("pol", "Polish", 1.5),
    ("jpn", "Japanese", 1.0),
    ("swe", "Swedish", 1.0),
    ("isl", "Icelandic", 0.5),
    ("eus", "Basque", 0.5),
];

/// Licences: id, title, weight.
pub(super) const RIGHTS: &[(&str, &str, f64)] = &[
    ("cc-by-4.0", "Creative Commons Attribution 4.0 International", 58.0),
    ("cc0-1.0", "Creative Commons Zero v1.0 Universal", 12.0),
    ("cc-by-sa-4.0", "Creative Commons Attribution Share Alike 4.0 International", 8.0),
    ("cc-by-nc-4.0", "Creative Commons Attribution Non Commercial 4.0 International", 8.0),
    ("cc-by-nc-nd-4.0", "Creative Commons Attribution Non Commercial No Derivatives 4.0 International", 5.0),
    ("mit", "MIT License", 4.0),
    ("apache-2.0", "Apache License 2.0", 3.0),
    ("gpl-3.0-or-later", "GNU General Public License v3.0 or later", 2.0),
];

pub(super) const PUBLISHERS: &[&str] = &[
    "Nordhafen University Repository",
    "Alder Press",
    "Meridian Open Books",
    "Institute for Coastal Research",
    "Lindqvist Academic",
    "Southern Archive",
    "Open Field Notes",
    "Harbour City Library",
];

pub(super) const JOURNALS: &[&str] = &[
    "Annals of Coastal Ecology",
    "Journal of Open Methods",
    "Nordic Letters in Physics",
    "Digital Sources Quarterly",
    "Archive and Memory",
    "Studies in Language Records",
    "Proceedings of the Harbour Society",
    "Neural Notes",
    "Climate Series Review",
    "Teaching Practice Today",
    "Public Health Evidence",
    "City and Region",
];

/// Funders: id (`None`: known by name only) and name.
pub(super) const FUNDERS: &[(Option<&str>, &str)] = &[
    (Some("01nrc4k61"), "Nordhafen Research Council"),
    (Some("04frg2h18"), "Foundation for Regional Science"),
    (Some("00eur9x27"), "European Measurement Fund"),
    (Some("03ocn7d55"), "Ocean Futures Programme"),
    (Some("02tch1p90"), "Teaching Innovation Trust"),
    (None, "Friends of the Harbour Library"),
    (None, "Private donation"),
];

/// Affiliations: ROR-like id (`None`: free text) and name.
pub(super) const AFFILIATIONS: &[(Option<&str>, &str)] = &[
    (Some("01nhf3a45"), "University of Nordhafen"),
    (Some("02ald8k31"), "Alderwick College"),
    (Some("03mer5t72"), "Meridian Institute of Technology"),
    (Some("04ics9w16"), "Institute for Coastal Research"),
    (Some("05lin2q88"), "Lindqvist University"),
    (Some("00sou6v53"), "Southern Polytechnic"),
    (Some("01hbc7x94"), "Harbour City Hospital"),
    (Some("02vol4m29"), "Volcanic Observatory of Asklund"),
    (Some("03est1r67"), "Estuary Field Station"),
    (Some("04pra8n40"), "Prairie State University"),
    (Some("05kal3g12"), "Kalmare National Museum"),
    (Some("00tre9j85"), "Treviano School of Design"),
    (None, "Independent researcher"),
    (None, "Citizen science group Nordhafen"),
];

pub(super) const SUBJECTS: &[&str] = &[
    "Biodiversity",
    "Climate change",
    "Coastal erosion",
    "Corpus linguistics",
    "Digital preservation",
    "Early modern prints",
    "Epidemiology",
    "Field recordings",
    "Fluid dynamics",
    "Genomics",
    "Historic maps",
    "Machine learning",
    "Marine biology",
    "Mental health",
    "Microscopy",
    "Museum collections",
    "Neuroimaging",
    "Open education",
    "Oral history",
    "Palaeography",
    "Photogrammetry",
    "Remote sensing",
    "Research software",
    "Soil science",
    "Survey data",
    "Urban planning",
    "Water quality",
];

/// Countries of visitors: ISO alpha-2 and weight.
pub(super) const COUNTRIES: &[(&str, f64)] = &[
    ("US", 26.0),
    ("DE", 14.0),
    ("GB", 8.0),
    ("FR", 6.0),
    ("IN", 6.0),
    ("CN", 5.0),
    ("CA", 4.0),
    ("ES", 3.5),
    ("NL", 3.0),
    ("IT", 3.0),
    ("BR", 2.5),
    ("JP", 2.5),
    ("PL", 2.0),
    ("AU", 2.0),
    ("SE", 2.0),
    ("CH", 1.5),
    ("AT", 1.5),
    ("MX", 1.2),
    ("ZA", 1.0),
    ("KE", 0.7),
    ("NG", 0.7),
    ("AR", 0.7),
    ("CL", 0.5),
    ("NO", 0.5),
    ("DK", 0.5),
    ("FI", 0.5),
    ("PT", 0.5),
    ("TR", 0.5),
    ("ID", 0.5),
    ("VN", 0.4),
    ("NZ", 0.4),
    ("IS", 0.2),
];

pub(super) const REFERRERS: &[&str] = &[
    "https://scholar.example/search",
    "https://www.search.example/",
    "https://nordhafen.example/library",
    "https://news.example/science",
    "https://wiki.example/references",
];

/// Communities of the demo, largest first: slug, title, description.
pub(super) const COMMUNITIES: &[(&str, &str, &str)] = &[
    ("coastal-ecology", "Coastal Ecology Archive", "Surveys, measurements and pictures from shore and estuary."),
    ("digital-humanities", "Digital Humanities Commons", "Editions, corpora and tools of the humanities."),
    ("open-neuroscience", "Open Neuroscience", "Imaging data, code and protocols."),
    ("climate-records", "Climate and Weather Records", "Series from stations, ships and satellites."),
    ("language-documentation", "Language Documentation", "Recordings and grammars of small languages."),
    ("teaching-materials", "Teaching Materials", "Lessons, slides and exercises to reuse."),
    ("public-health-evidence", "Public Health Evidence", "Reports and data for health services."),
    ("city-maps", "City Maps and Plans", "Historic and present maps of cities."),
];

/// Topics and kinds the titles of further communities and of records are made of.
pub(super) const TOPICS: &[&str] = &[
    "Marine Biology",
    "Urban History",
    "Soil Chemistry",
    "Language Contact",
    "Neuroimaging",
    "Particle Physics",
    "Folk Music",
    "Public Health",
    "Glacier Research",
    "Early Prints",
    "Machine Learning",
    "Bird Migration",
    "Water Quality",
    "Seismology",
    "Museum Studies",
    "Open Education",
    "Genomics",
    "Road Traffic",
    "Forest Ecology",
    "Labour Economics",
];
pub(super) const GROUPS: &[&str] = &[
    "Working Group",
    "Data Archive",
    "Commons",
    "Field Station",
    "Laboratory",
    "Collection",
    "Seminar",
    "Network",
    "Observatory",
    "Library",
];
pub(super) const FORMS: &[&str] = &[
    "Measurements of",
    "A survey of",
    "Notes on",
    "Supplementary material for",
    "Methods for",
    "Interviews about",
    "Ten years of",
    "A reference set for",
    "Introduction to",
    "Photographs of",
    "Code for the analysis of",
    "Open questions in",
];
