// Plausible answers of the chat dashboard for developing the page without the server.
const TODAY = "2026-11-21";
const day = (back) => new Date(Date.parse(TODAY) - back * 86_400_000).toISOString().slice(0, 10);
const wave = (back, size) =>
  Math.round(
    size *
      ([0, 6].includes(new Date(Date.parse(TODAY) - back * 86_400_000).getUTCDay()) ? 0.3 : 1) *
      (1 + 0.15 * Math.sin(back)) *
      (back === 0 ? 0.2 : 1),
  );
const days = Array.from({ length: 31 }, (_, index) => 30 - index);
const BOTS = [
  "Library Helpdesk",
  "Field Methods Tutor",
  "Deposit Assistant",
  "Reading Group",
  "Grant Desk",
  "Archive Guide",
];
const MONTHS = [6, 5, 4, 3, 2, 1, 0].map((back) => ({
  month: new Date(Date.UTC(2026, 10 - back, 1)).toISOString().slice(0, 7),
  in_progress: back === 0,
}));
const person = (index, messages) => ({
  participant_id: index,
  participant_name: `participant-3f${90 + index}`,
  participant_url: `/participants/${index}`,
  total_messages: messages,
  total_sessions: Math.ceil(messages / 13),
  last_activity: `${day(index % 28)}T10:30:00+00:00`,
});

export function chatAnswer(path, query) {
  switch (path) {
    case "/dashboard/api/overview":
      return query.get("date_range") === "custom"
        ? {
            total_experiments: 6,
            total_participants: 3010,
            total_sessions: 2410,
            total_messages: 28600,
            active_experiments: 5,
            active_participants: 836,
            completed_sessions: 1936,
          }
        : {
            total_experiments: 6,
            total_participants: 3104,
            total_sessions: 2604,
            total_messages: days.reduce((sum, back) => sum + wave(back, 540) + wave(back, 610), 0),
            active_experiments: 5,
            active_participants: 924,
            completed_sessions: 2100,
          };
    case "/dashboard/api/session-analytics":
      return {
        sessions: days.map((back) => ({ date: day(back), active_sessions: wave(back, 120) })),
        participants: days.map((back) => ({ date: day(back), active_participants: wave(back, 95) })),
      };
    case "/dashboard/api/message-volume":
      return {
        totals: days.map((back) => ({
          date: day(back),
          human_messages: wave(back, 540),
          ai_messages: wave(back, 610),
          total_messages: wave(back, 540) + wave(back, 610),
        })),
      };
    case "/dashboard/api/average-response-time":
      return days
        .filter((back) => back < 17 || back > 19)
        .map((back) => ({ date: day(back), avg_response_time_sec: back === 12 ? 4.8 : 2.6 + (back % 3) / 10 }));
    case "/dashboard/api/channel-breakdown":
      return {
        platforms: [
          { platform: "web", sessions: 1254 },
          { platform: "whatsapp", sessions: 720 },
          { platform: "telegram", sessions: 393 },
          { platform: "slack", sessions: 237 },
        ],
        totals: { sessions: 2604 },
      };
    case "/dashboard/api/user-engagement":
      return {
        most_active_participants: Array.from({ length: 6 }, (_, index) => person(index, 412 - 40 * index)),
        least_active_participants: Array.from({ length: 6 }, (_, index) => person(20 + index, 1 + index)),
        session_length_distribution: [412, 588, 501, 402, 298, 221, 139, 88, 40, 12].map((count, index) => ({
          bin_start: index * 6,
          bin_end: index * 6 + 6,
          count,
          label: `${index * 6}.0-${index * 6 + 6}.0 min`,
        })),
      };
    case "/dashboard/api/bot-performance":
      return {
        results: BOTS.map((name, index) => ({
          experiment_id: index + 1,
          experiment_name: name,
          experiment_url: `/chatbots/${index + 1}/`,
          participants: 412 - 60 * index,
          sessions: 1284 - 200 * index,
          messages: 9120 - 1500 * index,
          avg_session_duration: index === 5 ? 0 : 12 + 17 * index,
          completion_rate: 0.86 - 0.07 * index,
          avg_messages_per_session: 7.1 + index,
        })),
        total_count: 6,
        page: 1,
        page_size: 10,
        total_pages: 1,
      };
    case "/dashboard/api/tag-analytics":
      return {
        tag_categories: {
          "User Defined": { "opening hours": 844, "embargo question": 512 },
          Error: { timeout: 203 },
          "Response Rating": { "thumbs up": 188 },
        },
        total_tagged_messages: 1747,
        tagged_sessions: {},
      };
    case "/dashboard/api/cost-summary":
      return {
        total: 412.38,
        previous_total: 375.28,
        change_percent: 9.9,
        exact: 388.05,
        estimated: 24.33,
        unknown_count: 2,
        unpriced_count: 1,
        estimated_models: [{ provider_type: "anthropic", model_name: "m-big", count: 41 }],
        unknown_models: [{ provider_type: "openai", model_name: "m-small", count: 2 }],
        unpriced_models: [{ provider_type: "openai", model_name: "m-preview", count: 1 }],
      };
    case "/dashboard/api/cost-p95":
      return BOTS.slice(0, 5).map((name, index) => ({
        experiment_id: index + 1,
        experiment_name: name,
        points: days
          .filter((back) => (back + index) % 4 !== 0)
          .map((back) => ({ date: day(back), p95: wave(back, 3) / (40 + 20 * index) })),
      }));
    case "/dashboard/api/engagement-views":
      return {
        monthly_active_users: MONTHS.map((month, index) => ({
          ...month,
          monthly_active_users: 320 + 40 * index,
          core_user_rate: 0.4 + 0.02 * index,
        })),
        frequency: MONTHS.map((month, index) => ({
          ...month,
          "1_week": 180 + 20 * index,
          "2_weeks": 80 + 8 * index,
          "3_weeks": 40,
          "4_plus_weeks": 20 + 2 * index,
        })),
        weekly_new_returning: Array.from({ length: 26 }, (_, index) => ({
          week: day(175 - 7 * index),
          new: 30 + ((index * 7) % 11),
          returning: 90 + 3 * index,
        })),
        session_length: MONTHS.map((month, index) => ({
          ...month,
          avg_session_minutes: index === 1 ? null : 14 + index,
        })),
        top_chatbots: BOTS.map((name, index) => ({
          name,
          sessions: 512 - 80 * index,
          share: 32 - 5 * index,
          previous_month_sessions: 480 - 70 * index,
        })),
        top_channels: [{ name: "web", sessions: 900, share: 60, previous_month_sessions: 870 }],
      };
    case "/dashboard/searches":
      return [{ id: 1, name: "Long talks", expression: "messages >= 12" }];
    case "/dashboard/api/cost-timeseries":
      return days.map((back) => ({ date: day(back), chat: wave(back, 12), evaluation: wave(back, 3) }));
    case "/dashboard/api/cost-breakdown":
      return {
        by_model: [
          { provider_type: "openai", model_name: "m-small", cost: 250.1 },
          { provider_type: "anthropic", model_name: "m-big", cost: 162.28 },
        ],
        by_service_kind: [
          { service_kind: "llm_input", cost: 100, tokens: 1_200_000 },
          { service_kind: "llm_output", cost: 312.38, tokens: 900_000 },
        ],
      };
    case "/dashboard/api/filter-options":
      return {
        experiments: BOTS.map((name, index) => ({ id: index + 1, name })),
        channels: [
          { value: "web", label: "Web" },
          { value: "telegram", label: "Telegram" },
        ],
        tags: [{ id: 1, name: "timeout", category: "Error" }],
        participants: [{ id: 1, name: "participant-3f90", platform: "web" }],
        cost_tracking: true,
        time_zone: "UTC",
        today: TODAY,
        has_data: true,
      };
    case "/dashboard/filters":
      return [
        { id: 1, name: "Weekly review", is_default: true, filter_data: { date_range: "30" } },
        { id: 2, name: "WhatsApp only", is_default: false, filter_data: { channels: ["whatsapp"] } },
      ];
    default:
      return null;
  }
}
