{{- /* Address of S3; empty for Amazon's. */ -}}
{{- define "lcc.s3.url" -}}
{{- $bundled := printf "http://%s.%s.svc:8333" (include "lcc.s3.name" .) .Release.Namespace -}}
{{- .Values.s3.enabled | ternary $bundled .Values.s3.endpointUrl -}}
{{- end -}}

{{- /* Address of MLflow. */ -}}
{{- define "lcc.mlflow.url" -}}
{{- $bundled := printf "http://%s.%s.svc:5000" (include "lcc.mlflow.name" .) .Release.Namespace -}}
{{- .Values.mlflow.enabled | ternary $bundled .Values.mlflow.uri -}}
{{- end -}}

{{- /* Host of PostgreSQL. */ -}}
{{- define "lcc.postgresql.host" -}}
{{- .Values.postgresql.enabled | ternary (include "lcc.postgresql.name" .) .Values.postgresql.host -}}
{{- end -}}

{{- /* Whether the bundled PostgreSQL is installed; only MLflow needs one. */ -}}
{{- define "lcc.postgresql.bundled" -}}
{{- if and .Values.mlflow.enabled .Values.postgresql.enabled -}}true{{- end -}}
{{- end -}}

{{- /* Hosts that MLflow answers to, joined by commas: it refuses every other Host header. */ -}}
{{- define "lcc.mlflow.allowedHosts" -}}
{{- $name := include "lcc.mlflow.name" . -}}
{{- $space := printf "%s.%s" $name .Release.Namespace -}}
{{- $service := printf "%s.svc" $space -}}
{{- $hosts := list "localhost" "127.0.0.1" "localhost:*" "127.0.0.1:*" -}}
{{- range list $name $space $service (printf "%s.%s" $service .Values.clusterDomain) -}}
{{- $hosts = concat $hosts (list . (printf "%s:5000" .)) -}}
{{- end -}}
{{- with .Values.mlflow.ingress.host -}}{{- $hosts = append $hosts . -}}{{- end -}}
{{- concat $hosts .Values.mlflow.allowedHosts | join "," -}}
{{- end -}}

{{- /* Names that need no proxy; the kubelet fills in the API server's address. */ -}}
{{- define "lcc.noProxy" -}}
{{- if or .Values.proxy.http .Values.proxy.https -}}
{{- $own := list "localhost" "127.0.0.1" ".svc" (printf ".%s" .Values.clusterDomain) "$(KUBERNETES_SERVICE_HOST)" -}}
{{- compact (prepend $own .Values.proxy.noProxy) | join "," -}}
{{- end -}}
{{- end -}}
