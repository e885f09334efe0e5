import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { I18nProvider as AriaI18nProvider } from "react-aria-components";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import { directionOf, I18nProvider, pageLocale } from "./lib/i18n";
import { typeAgain, typedIn } from "./pages/people/typed";
import { doorFor, pageFor } from "./routes";
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/shell.css";

/** The server's mount point, or one of our own where it put none: the address then decides. */
function mountPoint(): HTMLElement {
  const given = document.getElementById("stats-dashboard") ?? document.getElementById("tallykeep");
  if (given) return given;
  const own = document.createElement("div");
  own.id = "tallykeep";
  document.body.prepend(own);
  return own;
}

const mount = mountPoint();
const locale = pageLocale();
document.documentElement.lang = locale;
document.documentElement.dir = document.documentElement.dir || directionOf(locale);
const theme = new URLSearchParams(window.location.search).get("theme");
if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
const client = new QueryClient({ defaultOptions: { queries: { refetchOnWindowFocus: false } } });
const page = (await doorFor(mount)) ?? pageFor(mount);
// A form that was there before the scripts may hold what somebody typed meanwhile: it is replaced in one stroke and filled again.
const typed = typedIn(mount);
const root = createRoot(mount);
flushSync(() =>
  root.render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <AriaI18nProvider locale={locale}>
          <I18nProvider locale={locale}>{page}</I18nProvider>
        </AriaI18nProvider>
      </QueryClientProvider>
    </StrictMode>,
  ),
);
typeAgain(mount, typed);
