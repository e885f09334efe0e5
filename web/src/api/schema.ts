// Generated from `tallykeep openapi` by `npm run types`; do not edit. The paths it holds stand in scripts/api-types.mjs.

export interface paths {
    "/api/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is here, for the start page and the navigation. */
        get: operations["get_overview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/communities/{id}/dashboard": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Switches a community's dashboard on or off, by id or slug. Errors: 400 where communities need not opt in, because the
         *     switch would have no effect there.
         */
        put: operations["put_dashboard_switch"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        ChatPart: {
            bots: components["schemas"]["NamedThing"][];
        };
        CommunityLine: {
            dashboard_enabled: boolean;
            id: string;
            /** Format: int64 */
            records: number | null;
            slug: string;
            title: string;
        };
        /** @description On or off. */
        DashboardSwitch: {
            enabled: boolean;
        };
        Domains: {
            chat: components["schemas"]["ChatPart"] | null;
            packages: components["schemas"]["PackagesPart"] | null;
            repository: components["schemas"]["RepositoryPart"] | null;
        };
        NamedThing: {
            id: string;
            name: string;
        };
        /** @description The team's domains and what each holds; those the caller may not read are null. */
        Overview: {
            domains: components["schemas"]["Domains"];
            /** @description Slug of the team asked for. */
            team: string;
            teams: components["schemas"]["TeamName"][];
            user: components["schemas"]["Visitor"];
        };
        PackagesPart: {
            products: components["schemas"]["NamedThing"][];
        };
        RepositoryPart: {
            agg_in_progress: boolean;
            /** Format: date-time */
            as_of: string | null;
            communities: components["schemas"]["CommunityLine"][];
            /**
             * Format: date
             * @description The last day whose numbers no longer change by themselves.
             */
            complete_to: string | null;
            /** Format: int64 */
            downloads: number | null;
            /**
             * Format: int64
             * @description Of the whole repository; null where nothing is rolled up yet, never 0 for that.
             */
            records: number | null;
            /** Format: int64 */
            views: number | null;
        };
        /** @description The switch as it now stands. */
        SwitchedDashboard: {
            enabled: boolean;
            /** @description The community's full id. */
            id: string;
        };
        TeamName: {
            name: string;
            slug: string;
        };
        Visitor: {
            /** @description The built-in user of an installation without users. */
            local: boolean;
            name: string;
            /** @description `viewer`, `editor` or `admin`; empty for guests and tokens. */
            roles: string[];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_overview: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
        };
    };
    put_dashboard_switch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DashboardSwitch"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SwitchedDashboard"];
                };
            };
        };
    };
}
