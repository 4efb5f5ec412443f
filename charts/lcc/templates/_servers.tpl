{{- /* Where PostgreSQL's password comes from. */ -}}
{{- define "lcc.postgresql.password" -}}
valueFrom:
  secretKeyRef:
    name: {{ include "lcc.postgresql.secret" . | toJson }}
    key: {{ toJson .Values.postgresql.existingSecret.key }}
{{- end -}}

{{- /* Variables that lead MLflow to its database; libpq reads the password itself. */ -}}
{{- define "lcc.databaseEnvironment" -}}
{{- $postgresql := .Values.postgresql -}}
- {name: PGHOST, value: {{ include "lcc.postgresql.host" . | toJson }}}
- {name: PGPORT, value: {{ $postgresql.enabled | ternary 5432 $postgresql.port | toString | toJson }}}
- {name: PGUSER, value: {{ toJson $postgresql.user }}}
- {name: PGDATABASE, value: {{ toJson $postgresql.database }}}
- {name: PGSSLMODE, value: {{ $postgresql.enabled | ternary "disable" $postgresql.sslMode | toJson }}}
- name: PGPASSWORD
  {{- include "lcc.postgresql.password" . | nindent 2 }}
- {name: MLFLOW_BACKEND_STORE_URI, value: "postgresql+psycopg2://"}
{{- end -}}

{{- /* Variables of MLflow. */ -}}
{{- define "lcc.mlflow.env" -}}
{{- include "lcc.clientEnvironment" . }}
{{ include "lcc.databaseEnvironment" . }}
- {name: MLFLOW_SERVER_ALLOWED_HOSTS, value: {{ include "lcc.mlflow.allowedHosts" . | toJson }}}
{{- with .Values.mlflow.ingress.host }}
- {name: MLFLOW_SERVER_CORS_ALLOWED_ORIGINS, value: {{ printf "https://%s,http://%s" . . | toJson }}}
{{- end }}
# Its queue of background jobs is for judges of language models.
- {name: MLFLOW_SERVER_ENABLE_JOB_EXECUTION, value: "false"}
- {name: MLFLOW_DISABLE_TELEMETRY, value: "true"}
- {name: HOME, value: /tmp}
{{- end -}}

{{- /* Mounts of MLflow. */ -}}
{{- define "lcc.mlflow.mounts" -}}
{{- include "lcc.clientMounts" . }}
{{- end -}}

{{- /* Variables of PostgreSQL. */ -}}
{{- define "lcc.postgresql.env" -}}
- {name: POSTGRES_USER, value: {{ toJson .Values.postgresql.user }}}
- {name: POSTGRES_DB, value: {{ toJson .Values.postgresql.database }}}
- {name: PGDATA, value: /data/pg}
- name: POSTGRES_PASSWORD
  {{- include "lcc.postgresql.password" . | nindent 2 }}
{{- end -}}

{{- /* Mounts of PostgreSQL. */ -}}
{{- define "lcc.postgresql.mounts" -}}
- {name: data, mountPath: /data}
- {name: tmp, mountPath: /tmp}
- {name: run, mountPath: /var/run/postgresql}
{{- end -}}

{{- /* Variables of the object store: none, it takes arguments and a file. */ -}}
{{- define "lcc.s3.env" -}}[]{{- end -}}

{{- /* Mounts of the object store. */ -}}
{{- define "lcc.s3.mounts" -}}
- {name: data, mountPath: /data}
- {name: tmp, mountPath: /tmp}
- {name: identities, mountPath: /etc/s3, readOnly: true}
{{- end -}}

{{- /* Variables of the clean-up: lcc-launch takes itself for a pod's, with keys of its own. */ -}}
{{- define "lcc.cleanup.env" -}}
{{- include "lcc.clientEnvironment" . }}
- {name: LCC_POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
{{- end -}}

{{- /* Mounts of the clean-up. */ -}}
{{- define "lcc.cleanup.mounts" -}}
{{- include "lcc.clientMounts" . }}
{{- end -}}

{{- /* What both containers of MLflow have. */ -}}
{{- define "lcc.mlflow.container" -}}
image: {{ include "lcc.image" (list . .Values.image) | toJson }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- include "lcc.mlflow.env" . | nindent 2 }}
  {{- with .Values.mlflow.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
resources:
  {{- toYaml .Values.mlflow.resources | nindent 2 }}
securityContext:
  {{- include "lcc.containerSecurity" . | nindent 2 }}
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
  {{- include "lcc.mlflow.mounts" . | nindent 2 }}
  {{- with .Values.mlflow.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
