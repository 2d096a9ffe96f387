// An application on Node.js whose service provider is node-saml or samlify, configured by the file
// that `doorward sp snippet` printed into the working directory. `node app.cjs KIND PORT`
//
//   GET  /metadata                     what the library publishes
//   GET  /login[?force=1][&passive=1]  begins a sign-in, and comes back to /
//   POST /acs                          judges a Response: signed in, or 403 with the reason
//   GET  /logout                       begins a single logout, and comes back to /
//   GET  /slo                          takes LogoutRequests and LogoutResponses by HTTP-Redirect
//   POST /slo                          the same by HTTP-POST, as node-saml publishes it
//   GET  /                             who is signed in, as JSON; 401 where nobody is

const http = require("node:http");
const fs = require("node:fs");
const path = require("node:path");
const { randomBytes } = require("node:crypto");

const [kind, port] = process.argv.slice(2);
const sessions = new Map();

/** @node-saml/node-saml */
function nodeSaml() {
  const { SAML, generateServiceProviderMetadata } = require("@node-saml/node-saml");
  const options = require(path.resolve("saml-options.cjs"));
  // What is asked for once is an option of the library; its cache knows the requests under way.
  const saml = new SAML(options);
  const once = (more) => new SAML({ ...options, ...more, cacheProvider: saml.cacheProvider });
  return {
    metadata: () =>
      generateServiceProviderMetadata({ ...options, publicCerts: options.publicCert }),
    async login({ force, passive }) {
      const asking = once({ forceAuthn: force, passive });
      if (options.authnRequestBinding === "HTTP-POST") {
        return { page: await asking.getAuthorizeFormAsync("/", undefined) };
      }
      return { redirect: await asking.getAuthorizeUrlAsync("/", undefined, {}) };
    },
    async accept(form) {
      const { profile } = await saml.validatePostResponseAsync(form);
      return {
        profile,
        name_id: profile.nameID,
        name_id_format: profile.nameIDFormat,
        session_index: profile.sessionIndex,
        values: Object.values(profile.attributes).flat(),
      };
    },
    logout: ({ profile }) => saml.getLogoutUrlAsync(profile, "/", {}),
    async singleLogout(query, raw, identity) {
      if (!raw && query.SAMLResponse) {
        const { loggedOut } = await saml.validatePostResponseAsync(query);
        if (!loggedOut) throw new Error("no LogoutResponse");
        return "/";
      }
      const { profile, loggedOut } = raw
        ? await saml.validateRedirectAsync(query, raw)
        : await saml.validatePostRequestAsync(query);
      if (query.SAMLResponse) return "/";
      const isKnown = loggedOut && profile.nameID === identity.name_id;
      return saml.getLogoutResponseUrlAsync(profile, query.RelayState ?? "", {}, isKnown);
    },
  };
}

/** samlify */
function samlify() {
  const { sp, idp, binding } = require(path.resolve("saml.cjs"));
  return {
    metadata: () => sp.getMetadata(),
    async login({ force }) {
      const options = { relayState: "/", forceAuthn: force || undefined };
      const request = sp.createLoginRequest(idp, binding, options);
      if (binding === "redirect") return { redirect: request.context };
      const { entityEndpoint, context, relayState } = request;
      return { page: posting(entityEndpoint, { SAMLRequest: context, RelayState: relayState }) };
    },
    async accept(form) {
      const { extract, samlContent } = await sp.parseLoginResponse(idp, "post", { body: form });
      // It hands out the NameID without its format.
      const [, format] = /<(?:\w+:)?NameID [^>]*Format="([^"]+)"/.exec(samlContent) ?? [];
      return {
        name_id: extract.nameID,
        name_id_format: format,
        session_index: extract.sessionIndex?.sessionIndex,
        values: Object.values(extract.attributes ?? {}).flat(),
      };
    },
    async logout({ name_id, session_index }) {
      const user = { logoutNameID: name_id, sessionIndex: session_index };
      return sp.createLogoutRequest(idp, "redirect", user, { relayState: "/" }).context;
    },
    async singleLogout(query, raw, identity) {
      // What is signed is the query as it came, without the signature.
      const octetString = raw.replace(/&Signature=.*$/, "");
      if (query.SAMLResponse) {
        await sp.parseLogoutResponse(idp, "redirect", { query, octetString });
        return "/";
      }
      const request = await sp.parseLogoutRequest(idp, "redirect", { query, octetString });
      if (request.extract.nameID !== identity.name_id) throw new Error("somebody else");
      const relayState = query.RelayState;
      return sp.createLogoutResponse(idp, request, "redirect", { relayState }).context;
    },
  };
}

function posting(action, fields) {
  const escaped = (text) =>
    String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`,
  );
  return `<!DOCTYPE html><form method="post" action="${escaped(action)}">${inputs.join("")}</form>`;
}

const app = { "node-saml": nodeSaml, samlify }[kind]();

async function body(request) {
  let text = "";
  for await (const part of request) text += part;
  return Object.fromEntries(new URLSearchParams(text));
}

async function answer(request, response) {
  const url = new URL(request.url, `http://localhost:${port}`);
  const [, session] = /(?:^|; )app_session=(\w+)/.exec(request.headers.cookie ?? "") ?? [];
  const send = (status, type, content, headers = {}) => {
    response.writeHead(status, { "Content-Type": type, ...headers });
    response.end(content);
  };
  const handed = ({ redirect, page }) =>
    redirect ? send(302, "text/plain", "", { Location: redirect }) : send(200, "text/html", page);
  switch (`${request.method} ${url.pathname}`) {
    case "GET /metadata":
      return send(200, "application/samlmetadata+xml", await app.metadata());
    case "GET /login": {
      const asked = (name) => url.searchParams.get(name) === "1";
      return handed(await app.login({ force: asked("force"), passive: asked("passive") }));
    }
    case "POST /acs": {
      const identity = await app.accept(await body(request));
      const id = randomBytes(16).toString("hex");
      sessions.set(id, identity);
      return send(303, "text/plain", "", {
        "Set-Cookie": `app_session=${id}; Path=/; HttpOnly`,
        Location: "/",
      });
    }
    case "GET /logout":
      return handed({ redirect: await app.logout(sessions.get(session)) });
    case "POST /slo":
    case "GET /slo": {
      const posted = request.method === "POST";
      const query = posted ? await body(request) : Object.fromEntries(url.searchParams);
      const raw = url.search.slice(1);
      const redirect = await app.singleLogout(query, raw, sessions.get(session));
      sessions.delete(session);
      return handed({ redirect });
    }
    case "GET /": {
      const identity = sessions.get(session);
      return send(identity ? 200 : 401, "application/json", JSON.stringify(identity ?? null));
    }
    default:
      return send(404, "text/plain", "no such page");
  }
}

http
  .createServer((request, response) => {
    // What the library throws is its refusal.
    answer(request, response).catch((error) => {
      response.writeHead(403, { "Content-Type": "text/plain" });
      response.end(`refused: ${error?.message ?? error}`);
    });
  })
  .listen(Number(port), "127.0.0.1");
