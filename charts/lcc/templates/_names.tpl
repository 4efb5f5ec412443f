{{- /* The release's name for its objects. At most 41 characters: Kubernetes puts a
       hash behind a StatefulSet's name into a label of 63, so 52 is its limit, and the
       longest suffix is -postgresql. A longer name ends in a digest instead. */ -}}
{{- define "lcc.fullname" -}}
{{- $release := .Release.Name -}}
{{- $own := contains .Chart.Name $release | ternary $release (printf "%s-%s" $release .Chart.Name) -}}
{{- $name := .Values.fullnameOverride | default $own -}}
{{- gt (len $name) 41 | ternary (printf "%s-%s" ($name | trunc 34 | trimSuffix "-") (sha256sum $name | trunc 6)) $name -}}
{{- end -}}

{{- /* ConfigMap that is lcc.yaml. */ -}}
{{- define "lcc.settings.name" -}}{{ include "lcc.fullname" . }}-settings{{- end -}}

{{- /* Object store: Service, StatefulSet, Secret. */ -}}
{{- define "lcc.s3.name" -}}{{ include "lcc.fullname" . }}-s3{{- end -}}

{{- /* Job that makes the bucket. */ -}}
{{- define "lcc.bucket.name" -}}{{ include "lcc.fullname" . }}-bucket{{- end -}}

{{- /* What looks after runs whose driver died: a CronJob. */ -}}
{{- define "lcc.cleanup.name" -}}{{ include "lcc.fullname" . }}-cleanup{{- end -}}

{{- /* MLflow: Service, Deployment. */ -}}
{{- define "lcc.mlflow.name" -}}{{ include "lcc.fullname" . }}-mlflow{{- end -}}

{{- /* PostgreSQL: Service, StatefulSet, Secret. */ -}}
{{- define "lcc.postgresql.name" -}}{{ include "lcc.fullname" . }}-postgresql{{- end -}}

{{- /* Account of worker pods. */ -}}
{{- define "lcc.worker.name" -}}{{ include "lcc.fullname" . }}-worker{{- end -}}

{{- /* Account of the driver, its Role and binding. */ -}}
{{- define "lcc.driver.name" -}}{{ include "lcc.fullname" . }}-driver{{- end -}}

{{- /* Account of the servers. */ -}}
{{- define "lcc.server.name" -}}{{ include "lcc.fullname" . }}-server{{- end -}}

{{- /* Role of people who launch. */ -}}
{{- define "lcc.launcher.name" -}}{{ include "lcc.fullname" . }}-launcher{{- end -}}

{{- /* ClusterRole that reads nodes; the namespace keeps releases apart. */ -}}
{{- define "lcc.nodes.name" -}}{{ .Release.Namespace }}-{{ include "lcc.fullname" . }}-nodes{{- end -}}

{{- /* Secret with the keys of S3; empty where the pod's identity is used. */ -}}
{{- define "lcc.s3.secret" -}}
{{- if eq .Values.s3.auth "keys" -}}
{{ .Values.s3.existingSecret.name | default (include "lcc.s3.name" .) }}
{{- end -}}
{{- end -}}

{{- /* Secret with PostgreSQL's password. */ -}}
{{- define "lcc.postgresql.secret" -}}
{{ .Values.postgresql.existingSecret.name | default (include "lcc.postgresql.name" .) }}
{{- end -}}
