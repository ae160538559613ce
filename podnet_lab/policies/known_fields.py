"""
Which fields Kubernetes' objects have, where this lab looks at few of them: what is none is refused, as a strict API server does. Pure.

From Kubernetes 1.34's OpenAPI (kubernetes/api, core/v1/types.go; apimachinery, meta/v1/types.go); a test holds them against it. What is
within a field that is not read here, such as a container's env, is not looked at.
"""

METADATA = (
    *("name", "namespace", "labels", "annotations", "uid", "creationTimestamp", "ownerReferences", "generateName", "finalizers"),
    *("resourceVersion", "generation", "managedFields", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"),
)

LIST = ("apiVersion", "kind", "metadata", "items")
LIST_METADATA = ("continue", "remainingItemCount", "resourceVersion", "selfLink")

OBJECT = ("apiVersion", "kind", "metadata", "spec", "status")

NAMESPACE = ("finalizers",)

POLICY = ("podSelector", "policyTypes", "ingress", "egress")

POD = (
    *("containers", "initContainers", "ephemeralContainers", "volumes", "restartPolicy", "nodeName", "nodeSelector", "affinity"),
    *("tolerations", "topologySpreadConstraints", "schedulerName", "schedulingGates", "priority", "priorityClassName", "preemptionPolicy"),
    *("serviceAccount", "serviceAccountName", "automountServiceAccountToken", "imagePullSecrets", "securityContext", "runtimeClassName"),
    *("hostNetwork", "hostPID", "hostIPC", "hostUsers", "hostname", "hostnameOverride", "subdomain", "setHostnameAsFQDN", "hostAliases"),
    *("dnsPolicy", "dnsConfig", "enableServiceLinks", "shareProcessNamespace", "os", "overhead", "resources", "resourceClaims"),
    *("activeDeadlineSeconds", "terminationGracePeriodSeconds", "readinessGates"),
)

CONTAINER = (
    *("name", "image", "command", "args", "workingDir", "ports", "env", "envFrom", "resources", "resizePolicy", "restartPolicy"),
    *("restartPolicyRules", "volumeMounts", "volumeDevices", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"),
    *("terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy", "securityContext", "stdin", "stdinOnce", "tty"),
)

CONTAINERS = {"containers": CONTAINER, "initContainers": CONTAINER, "ephemeralContainers": (*CONTAINER, "targetContainerName")}
"""A Pod's containers of each kind, and the fields that one has."""

PORT = ("name", "containerPort", "protocol", "hostPort", "hostIP")
