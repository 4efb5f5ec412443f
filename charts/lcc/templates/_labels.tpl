{{- /* Labels of every object. Takes (list $ component). */ -}}
{{- define "lcc.labels" -}}
{{- $root := first . -}}
{{ include "lcc.stableLabels" . }}
app.kubernetes.io/version: {{ toJson $root.Chart.AppVersion }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* Labels that no upgrade changes, for volume claims. Takes (list $ component). */ -}}
{{- define "lcc.stableLabels" -}}
{{ include "lcc.selectorLabels" . }}
app.kubernetes.io/part-of: {{ include "lcc.partOf" . }}
{{- end -}}

{{- /* Labels that find a component's pods. Takes (list $ component). */ -}}
{{- define "lcc.selectorLabels" -}}
{{- $root := first . -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ toJson $root.Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end -}}

{{- /* Labels of a pod, the user's included. Takes (list $ component). */ -}}
{{- define "lcc.podLabels" -}}
{{- include "lcc.labels" . }}
{{- with include "lcc.own" (append . "podLabels") | fromYaml }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The user's annotations of a pod; empty where there are none. Takes (list $ component). */ -}}
{{- define "lcc.podAnnotations" -}}
{{- with include "lcc.own" (append . "podAnnotations") | fromYaml }}
{{- toYaml . }}
{{- end }}
{{- end -}}

{{- /* Metadata of a pod template. Takes (list $ component). */ -}}
{{- define "lcc.podMetadata" -}}
labels:
  {{- include "lcc.podLabels" . | nindent 2 }}
{{- with include "lcc.podAnnotations" . }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* A map of the user's for a pod: a server's over that of all pods. Takes (list $ component key). */ -}}
{{- define "lcc.own" -}}
{{- $values := (first .).Values -}}
{{- $server := index $values (index . 1) | default dict -}}
{{- merge dict (get $server (last .) | default dict) (index $values (last .) | default dict) | toYaml -}}
{{- end -}}

{{- /* What servers and launched pods are part of; as PART_OF of lcc/backends/kubernetes/labels.py. */ -}}
{{- define "lcc.partOf" -}}lcc{{- end -}}

{{- /* Labels of launched pods; as lcc/backends/kubernetes/labels.py sets them. */ -}}
{{- define "lcc.launchedLabels" -}}
app.kubernetes.io/part-of: {{ include "lcc.partOf" . }}
app.kubernetes.io/managed-by: lcc-launch
{{- end -}}
