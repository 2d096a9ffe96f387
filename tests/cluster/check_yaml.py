"""Holds deploy/docker/compose.yaml and deploy/kubernetes/*.yaml against their schemas, and what one part
of them says about another against that part. Prints what is wrong, a line each; then, as the last line,
the configurations of Doorward that stand in them, as JSON, for Doorward itself to judge."""

import json
import pathlib
import sys

import compose_spec
import kubernetes_validate
import yaml

KUBERNETES = ["1.31", "1.37"]
wrong = []
configurations = {}


def complain(place, what):
    wrong.append(f"{place}: {what}")


def compose(path):
    document = yaml.safe_load(path.read_text())
    try:
        compose_spec.compose_spec.PyCompose.from_json(json.dumps(document))
    except Exception as error:  # the library's own kinds are not public
        return complain(path.name, error)
    services = document["services"]
    for name, service in services.items():
        place = f"{path.name}: {name}"
        for other in service.get("depends_on", {}):
            if other not in services:
                complain(place, f"depends on {other}, which is no service")
            elif "healthcheck" not in services[other] and "build" not in services[other]:
                complain(place, f"waits for the health of {other}, which has no check")
        for secret in service.get("secrets", []):
            source = secret["source"] if isinstance(secret, dict) else secret
            if source not in document["secrets"]:
                complain(place, f"no secret {source}")
        for network in service.get("networks", []):
            if network not in document["networks"]:
                complain(place, f"no network {network}")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if not source.startswith("."):
                if source not in document["volumes"]:
                    complain(place, f"no volume {source}")
            elif not source.startswith("./secrets/") and not (path.parent / source).exists():
                complain(place, f"{source} is not there")
        build = service.get("build")
        if build:
            context = (path.parent / build["context"]).resolve()
            dockerfile = context / build["dockerfile"]
            if not dockerfile.exists():
                complain(place, f"no {dockerfile}")
            elif f" AS {build['target']}\n" not in dockerfile.read_text():
                complain(place, f"the Dockerfile has no stage {build['target']}")
        for key, value in (service.get("environment") or {}).items():
            if "PASSWORD" in key and not key.endswith("_FILE"):
                complain(place, f"{key} is a secret in the file: {value}")


def kubernetes(path):
    documents = [document for document in yaml.safe_load_all(path.read_text()) if document]
    for document in documents:
        place = f"{path.name}: {document['kind']} {document['metadata']['name']}"
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                complain(place, f"{version}: {error.message}")
        if document["kind"] == "Secret":
            complain(place, "a secret stands in a file")
        if document["kind"] == "ConfigMap":
            for name, text in document["data"].items():
                configurations[f"{place}: {name}"] = text
    by_kind = {}
    for document in documents:
        by_kind.setdefault(document["kind"], []).append(document)
    names = {(d["kind"], d["metadata"]["name"]) for d in documents}
    for deployment in by_kind.get("Deployment", []):
        refer(path, deployment, names)
        labels = deployment["spec"]["template"]["metadata"]["labels"].items()
        selectors = [deployment["spec"]["selector"]["matchLabels"]]
        selectors += [s["spec"]["selector"] for s in by_kind["Service"]]
        selectors += [b["spec"]["selector"]["matchLabels"] for b in by_kind["PodDisruptionBudget"]]
        selectors += [p["spec"]["podSelector"]["matchLabels"] for p in by_kind["NetworkPolicy"]]
        for selector in selectors:
            if not selector.items() <= labels:
                complain(path.name, f"{selector} selects no pod")


def refer(path, deployment, names):
    pod = deployment["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for volume in volumes.values():
        if "configMap" in volume and ("ConfigMap", volume["configMap"]["name"]) not in names:
            complain(path.name, f"no ConfigMap for volume {volume['name']}")
    if ("ServiceAccount", pod["serviceAccountName"]) not in names:
        complain(path.name, f"no ServiceAccount {pod['serviceAccountName']}")
    for container in pod["containers"]:
        ports = {port["name"] for port in container["ports"]}
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
            if container[probe]["httpGet"]["port"] not in ports:
                complain(path.name, f"{probe} asks a port that is none")
        for mount in container["volumeMounts"]:
            if mount["name"] not in volumes:
                complain(path.name, f"no volume {mount['name']}")
        context = {**pod["securityContext"], **container["securityContext"]}
        if not (context["runAsNonRoot"] and context["readOnlyRootFilesystem"]):
            complain(path.name, "a container may be root or write its image")
        if context["allowPrivilegeEscalation"] or context["capabilities"]["drop"] != ["ALL"]:
            complain(path.name, "a container keeps rights")


deploy = pathlib.Path(sys.argv[1])
compose(deploy / "docker" / "compose.yaml")
for path in sorted((deploy / "kubernetes").glob("*.yaml")):
    kubernetes(path)
for line in wrong:
    print(line)
print(json.dumps(configurations))
