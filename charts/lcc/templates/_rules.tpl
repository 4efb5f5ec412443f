{{- /* What starting, following and ending a run takes; no star, no Secret. RBAC knows
       no labels: deleting is allowed of Jobs alone, since all else of a run goes with
       its Job, and the chart's own Jobs, of the clean-up, come again. */ -}}
{{- define "lcc.runRules" -}}
- apiGroups: [batch]
  resources: [jobs]
  verbs: [create, get, list, watch, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
- apiGroups: [""]
  resources: [services]
  verbs: [create, get]
- apiGroups: [""]
  resources: [events]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [configmaps, resourcequotas]
  verbs: [get, list]
# To say what is missing before a Job waits for it in vain.
- apiGroups: [""]
  resources: [serviceaccounts]
  resourceNames: [{{ include "lcc.worker.name" . }}, {{ include "lcc.driver.name" . }}]
  verbs: [get]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get]
- apiGroups: [kueue.x-k8s.io]
  resources: [localqueues]
  verbs: [get]
{{- end -}}

{{- /* Who may launch, as subjects of a binding. */ -}}
{{- define "lcc.subjects" -}}
{{- range .Values.launcher.subjects }}
- kind: {{ .kind }}
  name: {{ toJson .name }}
  {{- if eq .kind "ServiceAccount" }}
  namespace: {{ .namespace | default $.Release.Namespace | toJson }}
  {{- else }}
  apiGroup: rbac.authorization.k8s.io
  {{- end }}
{{- end }}
{{- end -}}
