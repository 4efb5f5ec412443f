{{- /* Labels of every object. Takes (list $ component). */ -}}
{{- define "lcc.labels" -}}
{{- $root := first . -}}
{{ include "lcc.stableLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
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
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end -}}

{{- /* What servers and launched pods are part of; as PART_OF of lcc/backends/kubernetes/labels.py. */ -}}
{{- define "lcc.partOf" -}}lcc{{- end -}}

{{- /* Labels of launched pods; as lcc/backends/kubernetes/labels.py sets them. */ -}}
{{- define "lcc.launchedLabels" -}}
app.kubernetes.io/part-of: {{ include "lcc.partOf" . }}
app.kubernetes.io/managed-by: lcc-launch
{{- end -}}
