// An application on Node.js whose service provider is node-saml or samlify, configured by the file
// that `doorward sp snippet` printed into the working directory. `node app.cjs KIND PORT`
//
//   GET  /metadata                     what the library publishes
//   GET  /login[?force=1][&passive=1]  begins a sign-in, and comes back to /
//   POST /acs                          judges a Response: signed in, or 403 with the reason
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
        name_id: profile.nameID,
        name_id_format: profile.nameIDFormat,
        session_index: profile.sessionIndex,
        values: Object.values(profile.attributes).flat(),
      };
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
