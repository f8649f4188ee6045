"""What secrets look like: data for `redaction`, which finds a keyword first and tries the shape exactly there.

Prefixes, alphabets and lengths are facts about the services that issue these credentials; they were compared with
the rule set of gitleaks (https://github.com/gitleaks/gitleaks, MIT) and with secretlint. Lengths are lower bounds
where a longer token would be as secret. Shapes are RE2: linear in time, whatever the text.
"""

from __future__ import annotations

from dataclasses import dataclass

HEX = "[0-9a-fA-F]"
UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
WORD = "[0-9A-Za-z]"
DASH = "[0-9A-Za-z_=-]"
URLSAFE = "[0-9A-Za-z_-]"
BASE64 = "[0-9A-Za-z+/]"


@dataclass(frozen=True, slots=True)
class Token:
    """A credential that its own prefix gives away; `rest` follows the prefix, case as written."""

    name: str
    prefixes: tuple[str, ...]
    rest: str
    entropy: float = 0.0


@dataclass(frozen=True, slots=True)
class Named:
    """A value that is secret because of the name it is assigned to, as in `datadog_key = "..."`."""

    name: str
    words: tuple[str, ...]
    values: tuple[str, ...]
    entropy: float = 2.5


@dataclass(frozen=True, slots=True)
class Framed:
    """A secret inside a larger form; group 1 of `form`, which starts with one of the `words`, is the secret."""

    name: str
    words: tuple[str, ...]
    form: str
    entropy: float = 0.0
    exact_case: bool = False
    check: str = ""


TOKENS: tuple[Token, ...] = (
    Token(
        "1password-secret-key", ("A3-",), r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"
    ),
    Token("1password-service-account", ("ops_eyJ",), f"{BASE64}{{100,}}={{0,3}}"),
    Token("adobe-client-secret", ("p8e-",), f"{WORD}{{32}}"),
    Token("age-secret-key", ("AGE-SECRET-KEY-1",), "[0-9A-Z]{58}"),
    Token("airtable-token", ("pat",), rf"{WORD}{{14}}\.{HEX}{{64}}"),
    Token("alibaba-access-key", ("LTAI",), f"{WORD}{{16,24}}", 2.0),
    Token("anthropic-key", ("sk-ant-",), f"{URLSAFE}{{16,}}"),
    Token("artifactory-key", ("AKCp",), f"{WORD}{{60,}}"),
    Token("artifactory-reference", ("cmVmd",), f"{WORD}{{59}}", 4.0),
    Token("atlassian-token", ("ATATT3", "ATCTT3", "ATBB"), f"{DASH}{{24,}}"),
    Token("aws-access-key", ("AKIA", "ASIA", "ABIA", "ACCA", "A3T"), "[A-Z2-7]{16,17}", 3.0),
    Token("aws-bedrock-key", ("ABSK",), f"{BASE64}{{100,}}={{0,2}}", 3.0),
    Token("aws-bedrock-short", ("bedrock-api-key-",), f"{BASE64}{{20,}}={{0,2}}"),
    Token("clickhouse-key", ("4b1d",), f"{WORD}{{38}}", 3.0),
    Token("clojars-token", ("CLOJARS_",), f"{WORD}{{60}}"),
    Token("cloudflare-origin-key", ("v1.0-",), f"{HEX}{{24}}-{HEX}{{140,}}"),
    Token("databricks-token", ("dapi",), rf"{HEX}{{32}}(?:-\d)?", 3.0),
    Token("digitalocean-token", ("dop_v1_", "doo_v1_", "dor_v1_"), f"{HEX}{{64}}"),
    Token("docker-token", ("dckr_pat_", "dckr_oat_"), f"{URLSAFE}{{20,}}"),
    Token("doppler-token", ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa."), r"[0-9A-Za-z._-]{40,}"),
    Token("duffel-token", ("duffel_test_", "duffel_live_"), f"{DASH}{{43}}"),
    Token("dynatrace-token", ("dt0c01.", "dt0s16."), rf"{WORD}{{24}}\.{WORD}{{64}}"),
    Token("easypost-token", ("EZAK", "EZTK"), f"{WORD}{{54}}"),
    Token("facebook-page-token", ("EAAM", "EAAC"), f"{WORD}{{100,}}"),
    Token("figma-token", ("figd_",), f"{URLSAFE}{{36,}}"),
    Token("flutterwave-key", ("FLWSECK_TEST-", "FLWSECK-", "FLWPUBK_TEST-"), f"{WORD}{{12,}}(?:-X)?"),
    Token("flyio-token", ("fo1_", "fm1a_", "fm1r_", "fm2_"), r"[0-9A-Za-z+/_-]{43,}={0,3}", 4.0),
    Token("frameio-token", ("fio-u-",), f"{DASH}{{64}}"),
    Token("google-api-key", ("AIza",), f"{URLSAFE}{{35}}", 3.0),
    Token("google-oauth-secret", ("GOCSPX-",), f"{URLSAFE}{{28}}"),
    Token("google-access-token", ("ya29.",), r"[0-9A-Za-z._-]{20,}"),
    Token("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), f"{WORD}{{36,}}", 3.0),
    Token("github-fine-grained", ("github_pat_",), r"\w{60,}", 3.0),
    Token(
        "gitlab-token",
        (
            "glpat-",
            "gldt-",
            "glft-",
            "glffct-",
            "glimt-",
            "glagent-",
            "gloas-",
            "glptt-",
            "glrt-",
            "glsoat-",
            "GR1348941",
        ),
        r"[0-9A-Za-z_.-]{20,}",
    ),
    Token("gitlab-job-token", ("glcbt-",), f"{WORD}{{1,5}}_{URLSAFE}{{20}}"),
    Token("gitlab-session", ("_gitlab_session=",), "[0-9a-z]{32}"),
    Token("gocardless-token", ("live_",), f"{DASH}{{40}}", 3.5),
    Token("grafana-key", ("eyJrIjoi",), f"{WORD}{{60,}}={{0,3}}"),
    Token("grafana-cloud-token", ("glc_",), f"{BASE64}{{32,}}={{0,3}}"),
    Token("grafana-service-token", ("glsa_",), f"{WORD}{{32}}_{HEX}{{8}}"),
    Token("groq-key", ("gsk_",), f"{WORD}{{40,}}"),
    Token("harness-key", ("pat.", "sat."), rf"{URLSAFE}{{22}}\.{WORD}{{24}}\.{WORD}{{20}}"),
    Token("heroku-key", ("HRKU-",), f"{URLSAFE}{{36,}}"),
    Token("huggingface-token", ("hf_", "api_org_"), "[A-Za-z]{34,}", 3.0),
    Token("infracost-token", ("ico-",), f"{WORD}{{32}}", 3.0),
    Token("intra42-secret", ("s-s4t2ud-", "s-s4t2af-"), f"{HEX}{{64}}"),
    Token("jwt", ("eyJ",), r"[0-9A-Za-z_-]{14,}\.ey[0-9A-Za-z_-]{14,}\.[0-9A-Za-z_-]*", 3.0),
    Token("langfuse-key", ("sk-lf-", "pk-lf-"), UUID),
    Token("langsmith-key", ("lsv2_pt_", "lsv2_sk_"), f"{HEX}{{32}}_{HEX}{{10}}"),
    Token("linear-key", ("lin_api_", "lin_oauth_"), f"{WORD}{{40,}}"),
    Token("lob-key", ("live_pub_", "test_pub_"), f"{HEX}{{31}}"),
    Token("mailgun-key", ("key-", "pubkey-"), "[0-9a-f]{32}", 3.0),
    Token("mapbox-token", ("pk.eyJ", "sk.eyJ", "tk.eyJ"), rf"{URLSAFE}{{40,}}\.{URLSAFE}{{20,}}"),
    Token("newrelic-key", ("NRAK-", "NRII-", "NRJS-"), r"[0-9A-Za-z-]{19,}"),
    Token("notion-token", ("ntn_", "secret_"), f"{WORD}{{43,46}}", 4.0),
    Token("npm-token", ("npm_",), f"{WORD}{{36}}", 2.0),
    Token("nvidia-key", ("nvapi-",), f"{URLSAFE}{{60,}}"),
    Token("octopus-key", ("API-",), "[A-Z0-9]{26}", 3.0),
    Token("openai-key", ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-or-v1-", "sk-None-"), f"{URLSAFE}{{20,}}"),
    Token("secret-key-sk", ("sk-",), f"{WORD}{{32,}}", 3.0),
    Token("openshift-token", ("sha256~",), f"{URLSAFE}{{43}}"),
    Token("perplexity-key", ("pplx-",), f"{WORD}{{40,}}"),
    Token("planetscale-token", ("pscale_tkn_", "pscale_oauth_", "pscale_pw_"), r"[\w=.-]{32,64}"),
    Token("posthog-key", ("phx_", "phc_", "phs_"), f"{WORD}{{40,}}"),
    Token("postman-token", ("PMAK-",), f"{HEX}{{24}}-{HEX}{{34}}"),
    Token("prefect-token", ("pnu_", "pnb_"), f"{WORD}{{36}}"),
    Token("pulumi-token", ("pul-",), f"{HEX}{{40}}"),
    Token("pypi-token", ("pypi-",), f"Ag{URLSAFE}{{50,}}"),
    Token("readme-token", ("rdme_",), f"{WORD}{{70}}"),
    Token("replicate-token", ("r8_",), f"{WORD}{{37}}"),
    Token("rubygems-token", ("rubygems_",), f"{HEX}{{48}}"),
    Token("scalingo-token", ("tk-us-",), f"{URLSAFE}{{48}}"),
    Token("sendgrid-key", ("SG.",), r"[\w=.-]{60,}"),
    Token("sendinblue-key", ("xkeysib-", "xsmtpsib-"), f"{HEX}{{64}}-{WORD}{{16}}"),
    Token("sentry-token", ("sntrys_", "sntryu_"), r"[0-9A-Za-z+/=_]{60,}"),
    Token("settlemint-token", ("sm_aat_", "sm_pat_", "sm_sat_"), f"{WORD}{{16}}"),
    Token("shippo-token", ("shippo_live_", "shippo_test_"), f"{HEX}{{40}}"),
    Token("shopify-token", ("shpat_", "shpca_", "shppa_", "shpss_"), f"{HEX}{{32}}"),
    Token(
        "slack-token",
        ("xoxb-", "xoxp-", "xoxe-", "xoxa-", "xoxr-", "xoxo-", "xoxs-", "xoxc-", "xoxd-"),
        r"[0-9A-Za-z%-]{14,}",
    ),
    Token("slack-app-token", ("xapp-", "xoxe.xox"), r"[0-9A-Za-z-]{14,}"),
    Token("sourcegraph-token", ("sgp_",), f"(?:(?:{HEX}{{16}}|local)_)?{HEX}{{40}}"),
    Token("square-token", ("sq0atp-", "sq0csp-", "EAAA"), f"{URLSAFE}{{22,60}}", 3.0),
    Token(
        "stripe-key",
        ("sk_live_", "sk_test_", "sk_prod_", "rk_live_", "rk_test_", "rk_prod_", "whsec_"),
        f"{WORD}{{10,}}",
    ),
    Token("supabase-key", ("sbp_", "sb_secret_"), f"{URLSAFE}{{20,}}"),
    Token("tailscale-key", ("tskey-",), r"[0-9A-Za-z-]{20,}"),
    Token("telegram-token", ("bot",), rf"\d{{8,10}}:A{URLSAFE}{{34}}"),
    Token("twilio-key", ("SK",), "[0-9a-fA-F]{32}", 3.0),
    Token("typeform-token", ("tfp_",), r"[\w.=-]{59}"),
    Token("vault-token", ("hvs.", "hvb.", "hvr."), f"{URLSAFE}{{24,}}"),
    Token("vercel-token", ("vcp_", "vck_", "vci_", "vca_"), f"{WORD}{{24,}}"),
    Token("xai-key", ("xai-",), f"{WORD}{{60,}}"),
    Token(
        "authress-key",
        ("sc_", "ext_", "scauth_", "authress_"),
        rf"{WORD}{{5,30}}\.{WORD}{{4,6}}\.acc[_-][0-9a-z-]{{10,32}}\.[0-9A-Za-z+/_=-]{{30,}}",
    ),
)

NAMED: tuple[Named, ...] = (
    Named("adafruit-key", ("adafruit",), (f"{URLSAFE}{{32}}",)),
    Named("adobe-id", ("adobe",), (f"{HEX}{{32}}",)),
    Named("airtable-key", ("airtable",), (f"{WORD}{{17}}",)),
    Named("algolia-key", ("algolia", "bittrex", "codecov", "droneci", "flickr"), (f"{WORD}{{32}}",)),
    Named("alibaba-secret", ("alibaba", "twitch"), (f"{WORD}{{30}}",)),
    Named("asana-credential", ("asana",), (f"{WORD}{{32}}", "[0-9]{16}")),
    Named("atlassian-key", ("atlassian", "confluence", "jira"), (f"{WORD}{{20}}[a-f0-9]{{4}}",), 3.5),
    Named("beamer-token", ("beamer",), (f"b_{DASH}{{44}}",)),
    Named("bitbucket-secret", ("bitbucket",), (f"{DASH}{{64}}", f"{WORD}{{32}}")),
    Named("cloudflare-key", ("cloudflare",), (f"{URLSAFE}{{40}}", f"{HEX}{{37}}")),
    Named("cohere-key", ("cohere", "co_api_key"), (f"{WORD}{{40}}",), 3.5),
    Named("coinbase-token", ("coinbase",), (f"{URLSAFE}{{64}}",)),
    Named("confluent-key", ("confluent",), (f"{WORD}{{64}}", f"{WORD}{{16}}"), 3.0),
    Named("contentful-token", ("contentful",), (f"{DASH}{{43}}",)),
    Named(
        "datadog-key",
        ("datadog", "dd_api_key", "dd_app_key", "zendesk", "sendbird"),
        (f"{WORD}{{40}}", f"{HEX}{{32}}", UUID),
    ),
    Named(
        "discord-secret", ("discord",), (f"{HEX}{{64}}", f"{DASH}{{32}}", r"[\w-]{24,28}\.[\w-]{6}\.[\w-]{27,38}")
    ),
    Named(
        "dropbox-token",
        ("dropbox",),
        (rf"sl\.{DASH}{{100,}}", f"{WORD}{{11}}A{{10}}{DASH}{{43}}", f"{WORD}{{15}}"),
        3.0,
    ),
    Named("etsy-token", ("etsy", "kucoin", "plaid", "looker"), (f"{WORD}{{24}}", UUID), 3.0),
    Named("facebook-secret", ("facebook",), (f"{HEX}{{32}}", rf"\d{{15,16}}[|%]{URLSAFE}{{27,40}}"), 3.0),
    Named("fastly-token", ("fastly", "nytimes", "newyorktimes"), (f"{DASH}{{32}}",)),
    Named("finicity-secret", ("finicity", "finnhub"), (f"{HEX}{{32}}", f"{WORD}{{20}}"), 3.0),
    Named("freshbooks-token", ("freshbooks", "sumo", "newrelic", "new_relic", "new-relic"), (f"{WORD}{{64}}",)),
    Named("gitter-token", ("gitter", "launchdarkly"), (f"{DASH}{{40}}",)),
    Named("heroku-key", ("heroku", "hubspot", "squarespace", "snyk", "messagebird"), (UUID,)),
    Named("intercom-key", ("intercom",), (f"{DASH}{{60}}",)),
    Named("jfrog-key", ("jfrog", "artifactory", "bintray"), (f"{WORD}{{73}}", f"{WORD}{{64}}")),
    Named("kraken-key", ("kraken",), (r"[0-9A-Za-z/=_+-]{80,90}",)),
    Named("linear-secret", ("linear",), (f"{HEX}{{32}}",), 3.0),
    Named("linkedin-secret", ("linkedin", "linked_in", "linked-in"), (f"{WORD}{{14,16}}",), 3.0),
    Named("lob-key", ("lob_",), (f"(?:live|test)_{HEX}{{35}}",)),
    Named("mailchimp-key", ("mailchimp",), (rf"{HEX}{{32}}-us\d\d?",)),
    Named("mailgun-signing-key", ("mailgun",), ("[a-h0-9]{32}-[a-h0-9]{8}-[a-h0-9]{8}",)),
    Named("mattermost-token", ("mattermost",), (f"{WORD}{{26}}",)),
    Named("meraki-key", ("meraki", "sonar"), (f"(?:sq[upa]_)?{DASH}{{40}}",), 3.0),
    Named("mistral-key", ("mistral", "deepseek", "together"), (f"{WORD}{{32,64}}",), 3.5),
    Named("netlify-token", ("netlify",), (f"{DASH}{{40,46}}",)),
    Named("okta-token", ("okta",), (f"00{DASH}{{40}}",), 3.5),
    Named("plaid-token", ("plaid",), (f"access-(?:sandbox|development|production)-{UUID}",)),
    Named("private-ai-token", ("privateai", "private_ai", "private-ai"), (f"{WORD}{{32}}",), 3.0),
    Named("rapidapi-key", ("rapidapi",), (f"{URLSAFE}{{50}}",)),
    Named("sentry-key", ("sentry",), (f"{HEX}{{64}}",)),
    Named(
        "sidekiq-secret",
        ("bundle_enterprise__contribsys__com", "bundle_gems__contribsys__com"),
        (f"{HEX}{{8}}:{HEX}{{8}}",),
    ),
    Named("telegram-token", ("telegr",), (rf"[0-9]{{5,16}}:A{URLSAFE}{{34}}",)),
    Named("travis-token", ("travis",), (f"{WORD}{{22}}",), 3.0),
    Named("twilio-secret", ("twilio",), (f"{HEX}{{32}}",), 3.0),
    Named(
        "twitter-secret",
        ("twitter",),
        ("A{22}[0-9A-Za-z%]{80,}", rf"\d{{15,25}}-{WORD}{{20,40}}", f"{WORD}{{45,50}}", f"{WORD}{{25}}"),
        3.0,
    ),
    Named(
        "yandex-key", ("yandex",), (rf"t1\.{DASH}+\.{DASH}{{80,}}", f"AQVN{URLSAFE}{{35,38}}", f"YC{URLSAFE}{{38}}")
    ),
)

_QUOTE = r"""(?:\\?["'`])?"""

FRAMED: tuple[Framed, ...] = (
    Framed(
        "private-key", ("-----begin",), "(?i)(-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----)", check="pem"
    ),
    Framed(
        "url-password",
        ("://",),
        r"""://[^\s/?#@:"'<>]{0,200}:([^\s/@"'<>$\{]{3,200})@[\w\[]""",
        check="placeholder",
    ),
    Framed("url-token", ("://",), r"""://([0-9A-Za-z_-]{20,200})@[\w\[]""", 3.0),
    Framed(
        "authorization-header",
        ("authorization",),
        rf"""(?i)authorization{_QUOTE}\s{{0,3}}[:=,]\s{{0,3}}{_QUOTE}"""
        r"""(?:basic|bearer|token|digest|negotiate|apikey|bot)\s{1,4}([\w=~@.+/:-]{8,})""",
        2.5,
        check="placeholder",
    ),
    Framed(
        "authorization-value",
        ("authorization",),
        rf"""(?i)authorization{_QUOTE}\s{{0,3}}:\s{{0,3}}{_QUOTE}([\w=~@.+/:-]{{8,}})""",
        2.5,
        check="generic",
    ),
    Framed("bearer-token", ("bearer ",), r"(?i)bearer\s{1,4}([\w=~@.+/-]{20,})", 3.0),
    Framed(
        "key-header",
        (
            "x-api-key",
            "api-key",
            "x-auth-token",
            "x-goog-api-key",
            "private-token",
            "x-vault-token",
            "x-amz-security-token",
            "cookie",
        ),
        rf"""(?i)[\w-]{{3,24}}{_QUOTE}\s{{0,3}}:\s{{0,3}}{_QUOTE}(?:[\w.-]+=)?([\w=~@.+/%-]{{8,}})""",
        2.75,
        check="generic",
    ),
    Framed(
        "aws-secret-key",
        ("aws_secret", "secret_access_key", "secretaccesskey"),
        rf"""(?i)(?:aws_secret|secret_access_key|secretaccesskey)\w{{0,20}}{_QUOTE}\s{{0,3}}[:=]>?"""
        rf"""\s{{0,3}}{_QUOTE}([0-9A-Za-z/+=]{{40}})""",
        3.0,
    ),
    Framed(
        "azure-account-key",
        ("accountkey=", "sharedaccesskey=", "sharedaccesssignature="),
        r"(?i)shared\w+=([0-9A-Za-z+/%=&-]{20,})|accountkey=([0-9A-Za-z+/=]{20,})",
    ),
    Framed(
        "connection-password",
        ("password=", "pwd="),
        r"""(?i)(?:password|pwd)=([^\s;&"'<>$\{(]{4,200})[;&]""",
        check="placeholder",
    ),
    Framed(
        "curl-user",
        ("curl ",),
        r"""curl [^\n]{0,400}?(?:-u|--user)[ =]["']?[^\s"':]{1,100}:([^\s"']{3,200})""",
        check="placeholder",
    ),
    Framed("docker-auth", ('"auth"',), r'"auth"\s*:\s*"([0-9A-Za-z+/=]{16,})"', 3.0),
    Framed("netrc", ("machine ",), r"machine\s+\S{1,200}\s+login\s+\S{1,200}\s+password\s+(\S{3,200})"),
    Framed(
        "npmrc-token",
        ("_authtoken", "_password"),
        r"(?i)(?:_authtoken|_password)\s{0,3}=\s{0,3}[\"']?([^\s\"'$]{8,})",
    ),
    Framed(
        "nuget-password", ('password" value="', 'password"  value="'), r'(?i)password"\s{1,4}value="([^"%]{6,})"'
    ),
    Framed(
        "slack-webhook",
        ("hooks.slack.com/",),
        r"(?i)hooks\.slack\.com/(?:services|workflows|triggers)/([0-9A-Za-z+/]{20,})",
    ),
    Framed(
        "discord-webhook",
        ("discord.com/api/webhooks/", "discordapp.com/api/webhooks/"),
        r"(?i)discord(?:app)?\.com/api/webhooks/(\d+/[\w-]{30,})",
    ),
    Framed("teams-webhook", ("webhook.office.com/",), r"(?i)webhook\.office\.com/(webhookb2/[0-9A-Za-z@/-]{40,})"),
    Framed("facebook-token", ("eaaba", "eaacea"), f"(?i)(eaa[bc]{WORD}{{80,}})"),
    Framed(
        "environment-secret",
        ("PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "PRIVATE_KEY", "ACCESS_KEY", "CREDENTIAL"),
        r"""[A-Z]{2,12}(?:_KEY)?[A-Z0-9_]{0,40}=["']?([^\s"'$<>(){}\[\],;`\\]{6,500})""",
        2.0,
        exact_case=True,
        check="placeholder",
    ),
    Framed(
        "generic-secret",
        ("access", "auth", "api", "credential", "creds", "key", "passw", "secret", "token"),
        r"(?i)[a-z]{3,10}[\w \t.-]{0,20}[\s'\"\\]{0,3}(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\s'\"`=\\]{0,5}"
        r"([\w.=-]{10,150}|[0-9a-z][0-9a-z+/]{11,150}={0,3})(?:[\s'\"`;\\]|$)",
        3.5,
        check="generic",
    ),
)
