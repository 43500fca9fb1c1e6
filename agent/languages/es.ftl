# Los textos de las páginas en español.

language-name = Español

## Around every page

frame-skip = Ir al contenido
frame-brand = { $node }, inicio
frame-rooms = Páginas
frame-language = Idioma
room-home = Inicio
room-services = Servicios
room-people = Personas
room-network = Red
room-logs = Registros
room-settings = Ajustes
room-account = Tu cuenta
said-work = { $task }: { $step }
yes = Sí
no = No
copy = Copiar
copy-what = Copiar: { $what }
copy-done = Copiado
qr-show = Abrir en el móvil
qr-text = Apunta a esta imagen con la cámara del móvil. Tiene que estar en la misma red.
runs-out = caduca
ran-out = ha caducado

## Amounts

decimal-mark = ,
size-bytes = { $n } { $n ->
    [one] byte
   *[other] bytes
}
time-seconds = { $n } { $n ->
    [one] segundo
   *[other] segundos
}
time-minutes = { $n } { $n ->
    [one] minuto
   *[other] minutos
}
time-hours = { $n } { $n ->
    [one] hora
   *[other] horas
}
time-days = { $n } { $n ->
    [one] día
   *[other] días
}
time-and = { $one } y { $other }
time-now = ahora mismo
time-ago = hace { $time }
time-in = dentro de { $time }
time-moment = { $day } { $month } { $year }, { $clock } UTC
month-1 = ene
month-2 = feb
month-3 = mar
month-4 = abr
month-5 = may
month-6 = jun
month-7 = jul
month-8 = ago
month-9 = sept
month-10 = oct
month-11 = nov
month-12 = dic

## How the node is

headline-asking = Mirando cómo están los servicios
headline-blind = El nodo no puede ver sus servicios
headline-trouble = { $things ->
    [one] Hay una cosa que atender
   *[other] Hay { $things } cosas que atender
}
headline-moving = { $services ->
    [one] Un servicio está en camino
   *[other] { $services } servicios están en camino
}
headline-empty = Este nodo no tiene servicios
headline-ready = Todo está listo
headline-fine = Todo funciona
headline-guest = { $services ->
    [0] Ahora no hay nada encendido
    [one] Hay un servicio para ti
   *[other] Hay { $services } servicios para ti
}
detail-blind = systemd no responde desde hace { $time }. El nodo sigue preguntando.
detail-on = { $services ->
    [one] Hay un servicio encendido.
   *[other] Hay { $services } servicios encendidos.
}
detail-ready = { $services ->
    [one] Puedes encender un servicio.
   *[other] Se pueden encender { $services } servicios.
}
detail-off = { $services ->
    [one] Puedes encender uno más.
   *[other] Se pueden encender { $services } más.
}
effect-https-off = Las páginas van sin cifrar, así que nadie puede entrar
effect-no-identity = El nodo no tiene clave, así que otros nodos no pueden reconocerlo
effect-no-claim = No hay código de propiedad
effect-image-unknown = El nodo no sabe con qué imagen se creó
effect-services-unknown = No se puede leer la lista de servicios
effect-service-hidden = No se puede leer el servicio { $service }
effect-people-lost = La lista de personas se dañó y el nodo cambió de dueño
effect-operations-lost = La lista de lo que se ha hecho se dañó y ha empezado de nuevo
effect-community-lost = Lo que este nodo recuerda de su comunidad estaba dañado: sus invitaciones ya no valen y no se ofrece nada. Lo que quedaba está al lado.
effect-invitation-unfit = La invitación que se puso antes de arrancar no se puede usar: está dañada o ha caducado. Pida una nueva.
effect-preferences-lost = Lo que el nodo recuerda de sí mismo se dañó
effect-firewall-stuck = No se pudo ajustar el cortafuegos: los puertos abiertos son los de antes
effect-helper-away = El ayudante no responde: no se puede encender ni apagar ningún servicio
disk-system = Disco del sistema
disk-data = Disco de datos
disk-tight = { $disk }: queda poco espacio
disk-full = { $disk }: lleno
disk-left = { $free } libres de { $total }.

## Services

kind-mesh = Red mallada
kind-discovery = Descubrimiento
kind-storage = Almacenamiento
kind-sharing = Intercambio
kind-streaming = Emisión
kind-voice = Voz
kind-web = Web
kind-access = Acceso
state-running = Encendido
state-starting = Arrancando
state-restarting = Arrancando otra vez
state-stopping = Parando
state-off = Apagado
state-stopped = Parado
state-failed = Falló
state-missing = No instalado
state-unknown = Se desconoce
why-stopped = Debería estar encendido y no lo está.
why-no-unit = No está instalado en este nodo.
why-masked = Está bloqueado: systemd tiene orden de no arrancarlo nunca.
why-bad-unit-file = systemd no entiende cómo arrancarlo.
why-part = Una de sus partes, { $unit }, no está bien.
why-part-because = Una de sus partes, { $unit }, no está bien: { $why }
end-exit-code = Su programa terminó con el código { $code }.
end-signal = Su programa terminó por { $signal }.
end-timeout = Tardó demasiado.
end-watchdog = Dejó de responder.
end-memory = Se cerró porque faltaba memoria.
end-too-often = Falló demasiadas veces en poco tiempo.
end-resources = Al nodo le faltó lo necesario para arrancarlo.
end-unknown = Terminó y no se sabe por qué.
end-other = Terminó: { $result }.
end-restarts = Se ha vuelto a arrancar { $times ->
    [one] una vez
   *[other] { $times } veces
}.
usage-at-least = más de { $size }
scope-loopback = solo este nodo
scope-lan = red de casa
scope-mesh = red mallada
scope-internet = internet

## What is being done

task-switch-on = Encender { $service }
task-switch-off = Apagar { $service }
task-restart = Reiniciar { $service }
task-configure = Cambiar los ajustes de { $service }
task-rename = Cambiar el nombre del nodo de { $from } a { $to }
task-reboot = Reiniciar el nodo
task-power-off = Apagar el nodo
step-waiting = Esperando su turno
step-checking = Comprobando
step-writing = Escribiendo los ajustes
step-enabling = Recordándolo para el próximo arranque
step-starting = Arrancando
step-stopping = Parando
step-firewall = Ajustando el cortafuegos
step-undoing = Dejándolo todo como estaba
standing-done = hecho
standing-now = ahora
standing-to-come = pendiente
standing-failed = no ha funcionado
standing-left-out = omitido
progress-done = Hecho
progress-failed = No ha funcionado
trouble-port-taken = Otro programa ocupa el puerto { $port } ({ $protocol }).
trouble-port-taken-by = El puerto { $port } ({ $protocol }) lo ocupa { $by }.
trouble-job-failed = { $unit } no pudo arrancar o parar.
trouble-job-timeout = { $unit } tardó demasiado.
trouble-job-dependency = { $unit } necesita algo que no arrancó.
trouble-disk-full = El disco está lleno.
trouble-systemd-away = systemd no responde.
trouble-helper-away = La parte del nodo que hace los cambios no responde: { $detail }
trouble-interrupted = El nodo se cortó a la mitad.
trouble-other = { $detail }
remedy-port-taken = Apaga lo que usa el puerto y vuelve a intentarlo.
remedy-job-failed = Su registro dice por qué. Después, vuelve a intentarlo.
remedy-disk-full = Borra lo que ya no necesites de los servicios que más guardan y vuelve a intentarlo.
remedy-systemd-away = Espera un minuto y vuelve a intentarlo. Si no basta, reinicia el nodo.
remedy-helper-away = Espera un minuto y vuelve a intentarlo. Si no basta, reinicia el nodo.
remedy-interrupted = Mira si está como quieres y, si no, hazlo de nuevo.
remedy-other = Vuelve a intentarlo. Si sigue igual, el informe de ayuda sirve para que otros te ayuden.

## Refusals

refusal-sign-in-first = Primero entra con tu cuenta.
refusal-not-allowed = Tu papel no permite esto. Puede hacerlo un propietario del nodo, o darte otro papel.
refusal-wait = Demasiados intentos fallidos. Espera { $time } y vuelve a intentarlo.
refusal-claimed = Este nodo ya tiene propietario. Entra con tu cuenta o pídele una invitación.
refusal-no-ticket = Falta el código de propiedad, o hace demasiado que lo diste. Vuelve a darlo.
refusal-no-such = Esto no existe, o ya no. Los enlaces sirven una vez y caducan a los siete días.
refusal-fields = Hay algo que aún no encaja. Mira los campos marcados.
refusal-busy = El nodo todavía está con esto. Espera a que termine.
refusal-full = Ya hay tantos como puede haber. Quita alguno que no haga falta.
refusal-already = Ya es así.
refusal-not-saved = No se pudo guardar, así que nada ha cambiado: { $detail }
refusal-no-community = Este nodo no está en ninguna comunidad. Funda una, o únete a una con una invitación.
refusal-invitation-scheme = Una invitación empieza por «nuvol:». Cópiala entera.
refusal-invitation-damaged = Falta una parte de la invitación, o hay una letra equivocada. Cópiala entera otra vez.
refusal-invitation-later = Esta invitación es de una versión posterior de Nuvol. Actualiza primero este nodo.
refusal-invitation-expired = Esta invitación ha caducado. Pide otra.
refusal-not-offered = Este servicio no sirve a otros, así que no se les puede ofrecer.
unfit-name-taken = Aquí ya hay alguien con ese nombre. Elige otro.
unfit-last-owner = El nodo necesita un propietario. Antes, haz propietario a otra persona.
unfitting-empty = No puede quedar vacío.
unfitting-too-long = Demasiado largo: { $limit } caracteres como mucho.
unfitting-too-short = Demasiado corto: { $least } caracteres como poco.
unfitting-hidden = Tiene caracteres que no se ven. Escríbelo de nuevo.
unfitting-guessable = Demasiado fácil de adivinar. Varias palabras seguidas se recuerdan bien y se adivinan mal.
unfitting-different = Las dos contraseñas no coinciden.
wrong-code = Este no es el código de propiedad. Compáralo letra por letra con la pantalla del nodo.
wrong-password = El nombre o la contraseña no son correctos.
wrong-old-password = Esta no es tu contraseña actual.
wrong-place = «{ $place }» no es un lugar al que se pueda llamar. Escribe un nombre o una dirección, dos puntos y un puerto: casa.example.org:655
wrong-type = Un tipo empieza por _ y acaba en ._tcp o ._udp: _http._tcp es una página web.
wrong-host = Esto no es ni una dirección ni un nombre. Escríbelo sin http:// y sin el puerto: 10.1.2.3 o fotos.example.org
wrong-port = Un puerto es un número del 1 al 65535.
wrong-txt = Lo que se dice de él a los programas no encaja: { $why }
wrong-offered = En esta dirección y este puerto ya se ofrece el mismo tipo. Para cambiar su título, primero deja de ofrecerlo.
wrong-record = Registro { $record }, campo «{ $field }»
wrong-records = Esto no es una lista de registros: no se puede leer a partir de la línea { $line }, columna { $column }. Una lista empieza por [ y acaba en ].
wrong-records-more = Hay { $more } más que no encajan.
wrong-file-missing = Elige un archivo, o pega los registros.
wrong-file-both = Hay un archivo y también registros pegados. Vacía el campo, o envíalo sin el archivo.
wrong-file-no-text = Este archivo no es texto. Los registros de Cloudy son texto, en JSON.
wrong-file-too-large = Es demasiado grande: { $size } como mucho. Quita registros, o acorta su campo «t».
wrong-too-many = Puede haber { $limit } como máximo.
wrong-nothing-chosen = Elige una opción.
field-unknown = No existe ese ajuste.
field-node-name = Un nombre tiene minúsculas, cifras y guiones.
field-not-a-number = No es un número entero.
field-too-small = Como mínimo, { $min }.
field-too-large = Como máximo, { $max }.

## Signing in, claiming, joining

sign-in-title = Entrar en { $node }
sign-in-button = Entrar
sign-in-forgotten = ¿Has olvidado la contraseña? Cualquier propietario del nodo puede hacerte un enlace para poner otra.
field-name = Nombre
field-password = Contraseña
field-new-password = Contraseña nueva
field-old-password = Contraseña actual
field-again = La misma contraseña otra vez
field-password-hint = Al menos { $least } caracteres. Varias palabras seguidas van bien.
field-your-name = Tu nombre
field-your-name-hint = Como te conocen aquí. Entrarás con él.
field-code = Código de propiedad
field-code-hint = Las mayúsculas y los guiones dan igual.
claim-step-1 = Paso 1 de 2
claim-step-2 = Paso 2 de 2
claim-title = Haz tuyo este nodo
claim-text = Este nodo todavía no es de nadie. Quien tenga su código de propiedad será su propietario.
claim-where = El código está en la pantalla del nodo. Si pusiste uno antes del primer arranque, usa ese.
claim-lost-title = Recupera este nodo
claim-lost-text = La lista de personas de este nodo se ha dañado. Los servicios y sus archivos siguen ahí, pero nadie puede entrar. Quien tenga el nuevo código de propiedad será el propietario.
claim-next = Siguiente
claim-owner-title = ¿Quién eres?
claim-owner-text = El código es correcto. Elige un nombre y una contraseña: el nodo será tuyo.
claim-button = Ser propietario
join-title = Te han invitado a { $node }
join-text = Tu papel será: { $role }. { $means }
join-button = Unirse
join-password-title = Una contraseña nueva para { $name }
join-password-text = Elige una contraseña nueva. Se cerrará tu sesión en todos los sitios y tus claves para programas dejarán de valer.
join-password-button = Poner la contraseña
claim-warning = El navegador te avisará una vez: el certificado lo hizo el propio nodo, porque ninguna autoridad conoce los nodos de casa. Compara la huella de abajo y deja que el navegador siga.
fingerprint-title = Huella del certificado
fingerprint-summary = ¿Es de verdad tu nodo?
fingerprint-text = La pantalla del nodo muestra la misma huella (SHA-256). Si tu navegador también la muestra, no hay nadie en medio.

## Home

home-attention = Por atender
home-work = En marcha
home-services = Para usar
home-empty = Aún no hay nada encendido. Lo que encienda el propietario aparecerá aquí.
home-empty-owner = Aún no hay nada encendido. Enciende tu primer servicio y su dirección aparecerá aquí.
home-empty-link = Elegir un servicio

## Pages of services

services-lead = Lo que sabe hacer este nodo. Lo que enciendas seguirá encendido después de reiniciar.
services-empty = Esta imagen no tiene servicios. Las que sí tienen los nombran en su perfil.
service-state = Estado
service-last = Lo último
service-restart = Reiniciar
service-addresses = Dónde está
service-settings = Ajustes
service-settings-save = Guardar
service-settings-note = Si el servicio está encendido, se reinicia con los ajustes nuevos.
service-details = Detalles
service-kind = Tipo
service-keeps = En el disco
service-memory = En memoria
service-shown = Creadas por el servicio
service-shown-open = Mostrarlas
service-shown-note = El servicio las creó en su primer arranque. Solo las ven los propietarios.
service-port = Puerto { $port }
service-log = Leer su registro
log-title = Registro de { $service }
log-lead = { $lines ->
    [one] La última línea, en UTC.
   *[other] Las últimas { $lines } líneas, en UTC. La más nueva está abajo.
}
log-empty = Todavía no ha escrito nada. Cuando funcione, aquí verás sus líneas.
log-again = Volver a leer
level-error = Error
level-warning = Aviso

## People

people-lead = Todas las personas con cuenta en este nodo.
people-here = Cuentas
people-you = tú
people-since = se unió
people-manage = Gestionar
people-manage-who = Gestionar a { $name }
people-role-save = Cambiar el papel
people-own = Tu contraseña y tus sesiones
people-reset = Hacer un enlace para otra contraseña
people-invitations = Invitaciones abiertas
people-invitations-empty = Ahora no hay nadie invitado. Una invitación es un enlace que sirve una vez, durante siete días.
people-invite = Invitar a alguien
people-invite-button = Hacer un enlace
role-guest = invitado
role-member = miembro
role-owner = propietario
role-guest-means = Ve qué servicios están encendidos y los usa.
role-member-means = Además ve cómo está el nodo. No cambia nada.
role-owner-means = Lleva el nodo: enciende y apaga servicios, invita y quita a personas.
field-role = Papel
field-note = Para quién
field-note-hint = Esta nota solo la ven los propietarios. Sirve para distinguir las invitaciones.
invitation-nameless = Sin nota
invitation-role = papel: { $role }
invitation-password = contraseña nueva para { $name }
invitation-revoke = Retirar
invitation-revoke-which = Retirar la invitación: { $title }
fresh-link-title = El enlace está listo
fresh-link-text = Solo se muestra esta vez. Envíaselo a quien corresponda: sirve una vez, durante siete días.

## Account

account-sign-out = Salir
account-sessions = Dónde tienes la sesión abierta
account-here = este navegador
account-end = Cerrar ahí
account-end-which = Cerrar la sesión en: { $browser }
session-nameless = Navegador desconocido
account-password = Cambiar la contraseña
account-password-changed = Has cambiado la contraseña. Tu sesión se ha cerrado en todos los demás sitios.
account-password-button = Cambiar la contraseña
account-password-note = Se cerrará tu sesión en todos los demás sitios y tus claves para programas dejarán de valer: haz otras después.
account-tokens = Claves para programas
account-tokens-empty = Con una clave, un programa tuyo usa la API del nodo en tu nombre. No tienes ninguna.
token-new = Clave nueva
token-button = Crear la clave
token-revoke = Retirar
token-revoke-which = Retirar la clave: { $title }
token-no-end = no caduca
token-scope-read = ver cómo está el nodo
token-scope-services = encender, apagar y ajustar servicios
token-scope-people = invitar y quitar a personas
token-scope-node = cambiar el nombre del nodo, reiniciarlo y apagarlo
field-token-title = Para qué es
field-token-title-hint = Por ejemplo: copias de seguridad del portátil.
field-scopes = Qué puede hacer
field-days = Validez
fresh-token-title = La clave está lista
fresh-token-text = Solo se muestra esta vez. Ponla donde la encuentre el programa.

## Network

network-pages = Estas páginas
network-pages-text = Desde la red de casa, este nodo está en:
network-ports = Puertos abiertos
network-ports-empty = No hay servicios encendidos, así que ninguno tiene puertos abiertos.
network-name = Nombre del nodo
network-name-text = El nombre nuevo vale al principio dos minutos. Confírmalo desde una página con el nombre nuevo; si no lo haces, vuelve solo el anterior.
network-name-button = Probar el nombre nuevo
network-key = La clave del nodo, por la que lo reconocen otros nodos:
field-node-name-label = Nombre
field-node-name-hint = Minúsculas, cifras y guiones.
scope-lan-means = A estos llega cualquiera en la red de casa.
scope-mesh-means = A estos llegan los miembros de tu red mallada.
scope-internet-means = A estos llega cualquiera si tu router los deja pasar.
trial-label = Cambio a prueba
trial-name = El nodo se llama ahora { $to } en vez de { $from }. ¿Funciona?
trial-service = { $service }: ahora está apagado. ¿Sigues llegando a esta página?
trial-left = Volverá atrás solo en { $time }.
trial-keep = Dejarlo así
trial-back = Volver atrás

## Logs and diagnosis

logs-title = Registros y diagnóstico
logs-lead = Qué va mal, qué se ha hecho y qué escriben los servicios.
logs-problems = Problemas del nodo
logs-no-problems = No hay ninguno.
logs-room = Espacio en los discos
logs-used = Ocupado: { $disk }
logs-kept = Lo que guardan los servicios
logs-history = Lo último que se ha hecho
logs-history-empty = Todavía no se ha hecho nada. Cuando alguien encienda o cambie algo, quedará anotado aquí.
logs-services = Registros de los servicios
report-title = Informe de ayuda
report-lead = Un texto sobre este nodo para quien te ayude. Lo ves antes de compartirlo.
report-open = Ver el informe
report-text = Nada sale de este nodo por sí solo. El informe no nombra a nadie; léelo y después cópialo.
operation-progress = Progreso
operation-steps = Paso a paso
operation-leave = Puedes salir de esta página: el nodo continúa.
operation-service = Ir a { $service }
operation-by = Lo pidió
operation-since = Empezó
operation-took = Tardó

## Settings

settings-title = Ajustes e información
settings-node = Este nodo
settings-image = Imagen
settings-agent = Agente
settings-uptime = Encendido desde hace
settings-rename = Cambiar el nombre
settings-power = Reiniciar o apagar
settings-power-text = Mientras el nodo está apagado no se puede llegar a ninguno de sus servicios.
power-reboot = Reiniciar
power-off = Apagar
settings-licences = Licencias
settings-licences-text = Nuvol es software libre con licencia MIT o Apache 2.0, a tu elección. Las páginas usan htmx (Zero-Clause BSD). La licencia de cada uno de los demás programas de este nodo está aquí:

## Questions and dead ends

confirm-back = Dejarlo como está
confirm-remove = ¿Quitar a { $name }?
confirm-remove-text = Se cerrarán todas las sesiones de { $name }, que no podrá volver. Sus claves y las invitaciones que hizo dejarán de servir. Lo que guarda en los servicios se queda.
confirm-remove-button = Quitar a { $name }
confirm-own-role = ¿Dejar de ser propietario?
confirm-own-role-text = Ya no podrás cambiar este nodo. Solo otro propietario puede volver a hacerte propietario.
confirm-own-role-button = Dejar de serlo
confirm-reboot = ¿Reiniciar { $node }?
confirm-reboot-text = El nodo tardará uno o dos minutos en volver. Los servicios encendidos vuelven solos.
confirm-off = ¿Apagar { $node }?
confirm-off-text = Para encenderlo otra vez, alguien tendrá que pulsar su botón.
confirm-switch-off = ¿Apagar { $service }?
confirm-switch-off-text = Puede que llegues a este nodo gracias a { $service }. Asegúrate de tener otro camino.
confirm-switch-off-trial = Volverá por sí solo al cabo de dos minutos, si no dices que se sigue llegando al nodo.
confirm-switch-off-button = Apagar { $service }
not-found-title = Esta página no existe
not-found-text = Quizá el enlace sea antiguo o se copiara incompleto.
refused-title = No ha podido ser
refused-not-yours = Esta página no es para ti
refused-gone = Esto ya no está
refused-wait = Una pequeña pausa
refused-claimed = Este nodo tiene propietario
problem-home = Volver al inicio
problem-sign-in = Entrar

## The image's own texts

service-avahi-title = Descubrimiento local
service-avahi-summary = Hace que este nodo y sus servicios se encuentren por su nombre en la red local
service-ssh-title = Consola remota
service-ssh-summary = Entra desde otro ordenador con una clave
service-tinc-title = Red mallada
service-tinc-summary = Una red privada entre las casas de una comunidad
service-home-access-title = Acceso desde casa
service-home-access-summary = Deja que móviles y portátiles de casa lleguen a lo que ofrece la comunidad
service-tahoe-lafs-summary = Archivos repartidos entre nodos de amigos: ninguno puede perderlos ni leerlos por sí solo
service-syncthing-summary = Mantén carpetas iguales en tus dispositivos y en nodos de amigos
service-syncthing-setting-node-name = Nombre de este nodo
service-syncthing-setting-node-name-hint = Cómo lo llaman tus otros dispositivos. Vacío significa el nombre del propio nodo.
service-syncthing-setting-send-limit = Velocidad máxima de envío
service-syncthing-setting-send-limit-hint = 0 significa tan rápido como dé la línea.
service-syncthing-setting-receive-limit = Velocidad máxima de recepción
service-syncthing-setting-receive-limit-hint = 0 significa tan rápido como dé la línea.
service-transmission-summary = Comparte y baja archivos grandes con BitTorrent
service-transmission-setting-download-limit = Velocidad máxima de bajada
service-transmission-setting-download-limit-hint = 0 significa tan rápido como dé la línea.
service-transmission-setting-upload-limit = Velocidad máxima de subida
service-transmission-setting-upload-limit-hint = 0 significa tan rápido como dé la línea.
service-transmission-setting-ratio = Comparte hasta haber devuelto
service-transmission-setting-ratio-hint = 100 % es tanto como bajó. 0 significa para siempre.
service-transmission-setting-encryption = Conexiones cifradas
service-transmission-setting-encryption-tolerated = Si el otro lado quiere
service-transmission-setting-encryption-preferred = Donde se pueda
service-transmission-setting-encryption-required = Siempre
service-icecast-summary = Tu propia emisora de radio
service-icecast-setting-location = Dónde está la emisora
service-icecast-setting-contact = A quién escribir
service-icecast-setting-listeners = Oyentes como máximo
service-icecast-shown-source-password = Contraseña para emitir
service-icecast-shown-admin-password = Contraseña del usuario admin
service-mumble-summary = Conversaciones de voz en grupo
service-mumble-setting-room = Nombre de la sala principal
service-mumble-setting-room-hint = Vacío significa Root.
service-mumble-setting-welcome = Texto de bienvenida
service-mumble-setting-users = Personas como máximo
service-mumble-setting-password = Contraseña para todos
service-mumble-setting-password-hint = Vacía significa que no se pide ninguna.
service-nginx-title = Sitio web
service-nginx-summary = Publica páginas y archivos tuyos
service-nginx-setting-list-folders = Mostrar lo que hay en una carpeta
service-nginx-setting-list-folders-hint = Si una carpeta no tiene index.html, quien la visite verá sus archivos.

## La comunidad

room-community = Comunidad
community-lead = Una comunidad son casas que comparten servicios en una red propia. Nadie más entra, y no es de ninguna empresa.
community-lead-in = Lo que las casas de esta comunidad se ofrecen unas a otras.
community-fresh = La invitación
community-fresh-text = Envíala a quien invitas por una vía de confianza. Solo se muestra esta vez. Se pega en la página «Comunidad» de su propio nodo.
community-search = Buscar
community-search-button = Buscar
community-type = Tipo de servicio
community-type-all = Todos los tipos
community-joining = Unirse
community-stop-joining = Parar
community-expelled = Este nodo fue expulsado. Ves lo último que supo.
community-offers = Servicios
community-offers-empty = Aún no se ofrece nada. En cada servicio de un nodo se elige quién lo ve.
community-offers-none = Nada de aquí tiene estas palabras.
community-members = Casas
community-this-node = este nodo
community-waiting = Quieren unirse
community-admit = Dejar entrar
community-admit-who = Dejar entrar: { $name }
community-decline = Rechazar
community-decline-who = Rechazar: { $name }
community-join = Unirse a una comunidad
community-join-text = Alguien que ya está dentro te hace una invitación. Pégala aquí.
community-join-button = Unirse
community-found = Fundar una comunidad
community-found-text = Este nodo será su primera casa, y tú invitas a las demás.
community-found-button = Fundar
community-invite = Invitar a otra casa
community-invite-role = Qué puede hacer
community-invite-approve = Preguntarme antes de dejar entrar a cada una
community-invite-button = Hacer una invitación
community-invitation-uses = { $used } dentro, quedan { $left }
community-places = Desde fuera
community-places-button = Guardar
community-leave = Dejar la comunidad
community-leave-text = Las demás dejan de ver este nodo y sus servicios. Quienes invitó se quedan. Para volver, este nodo necesita otra invitación.
community-leave-button = Dejarla
community-fingerprint = Huella
community-address = Dirección
community-inviter = Invitada por
community-since = Dentro desde
community-expel = Expulsar
community-expel-text = Pierde enseguida y para siempre el camino a las demás: ninguna invitación trae de vuelta a este nodo.
community-expel-invited = Expulsar también a quienes invitó
community-expel-button = Expulsar a { $name }
confirm-expel = ¿Expulsar a { $name }?
confirm-expel-text = { $name } pierde enseguida el camino a las demás y no puede volver.
confirm-leave = ¿Dejar { $community }?
field-invitation = Invitación
field-community-name = Nombre de la comunidad
field-uses = Para cuántas casas
field-invitation-days = Para cuántos días
field-places = Nombre o dirección, y puerto
field-places-hint = Si tu router pasa el puerto 655 a este nodo, otras pueden llamarlo. Ejemplo: casa.example.org:655. Si no, déjalo vacío: los nodos de las demás ayudan.
joining-calling = Se está llamando a quien te invitó.
joining-unreachable = Quien te invitó no contesta. Se intenta una y otra vez; su nodo tiene que estar encendido.
joining-waiting = Ya saben de ti. Alguien de allí tiene que decir que sí.
joining-unknown = No conocen esta invitación, o la retiraron. Pide otra.
joining-used = Esta invitación ya se usó. Pide otra.
joining-expired = Esta invitación ha caducado. Pide otra.
joining-declined = Rechazaron este nodo.
joining-expelled = Este nodo fue expulsado de esa comunidad.
joining-powerless = Quien te invitó ya no puede dejar entrar a nadie. Pídelo a otra persona de allí.
member-role-guest = Invitada
member-role-guest-means = Usa y ofrece servicios.
member-role-member = Miembro
member-role-member-means = Además invita a otras.
member-role-steward = Cuidadora
member-role-steward-means = Además expulsa a otras.
member-up = contesta
member-up-in = contesta en { $ms } ms
member-unheard = aún no se sabe de ella
member-down = fuera de alcance desde { $when }
path-direct = se llega directamente
path-relayed = se llega a través de otras
path-relayed-by = se llega a través de { $name }
path-none = no hay camino
path-cannot-connect = no hay camino: no se la puede llamar
path-no-answer = no hay camino: no contesta
path-not-believed = no hay camino: en su dirección hay otra
path-hung-up = no hay camino: cuelga
type-web = Página web
type-radio = Radio
type-ssh = Acceso remoto
audience-title = Quién lo ve
audience-legend = Este servicio se muestra a
audience-me = Solo la gente de este nodo
audience-me-means = Nadie más sabe de él.
audience-household = La red de casa
audience-household-means = Los aparatos de casa lo encuentran solos.
audience-community = La comunidad
audience-community-means = Todas las casas de la comunidad lo encuentran y lo usan, y la red de casa también.
audience-no-community = Este nodo aún no está en ninguna comunidad.
audience-save = Guardar
community-near = En la red de casa
community-mesh-text = Las direcciones entre corchetes están en la malla: los nodos llegan a ellas; los móviles y portátiles de casa, mientras «Acceso desde casa» esté encendido.
community-near-text = Lo que aparatos y programas de casa dicen de sí mismos. Nadie responde por ello.
community-unverified = sin verificar
community-near-silent = no contesta

## Services of other machines

machines-title = Servicios de otras máquinas
machines-lead = Lo que no es un nodo también se puede ofrecer: un disco, una cámara, un nodo de una nube comunitaria más antigua. Este nodo responde de ello.
machines-link = Un disco, una cámara: ofrecer lo que no es un nodo
machines-offered = Se ofrecen
machines-empty = No se ofrece nada de otra máquina.
machines-withdraw = Dejar de ofrecer
machines-withdraw-which = Dejar de ofrecer: { $which }
machines-add = Ofrecer un servicio
machines-add-button = Ofrecer
machines-import = Importar registros de Cloudy
machines-import-text = Lo que nombran se ofrece en lugar de todo lo que hay en la lista de arriba, y este nodo responde de ello. Con una lista vacía, [], ya no se ofrece nada.
machines-import-button = Sustituir la lista
machines-export = Exportar
machines-export-text = Todo lo que ofrecen los miembros de la comunidad, en los campos de los registros de Cloudy.
machines-export-button = Descargar
field-machine-title = Título
field-machine-title-hint = Cómo lo conocen las demás casas, por ejemplo: Fotos de Can Xirgu.
field-machine-type = Tipo
field-machine-type-hint = Cómo lo conocen los programas: elige uno, o escribe otro de esta forma.
field-machine-host = Nombre o dirección
field-machine-host-hint = Por donde llegan a él las demás casas. Una dirección como 192.168.1.20 solo funciona en tu casa.
field-machine-port = Puerto
field-records = O pega los registros aquí
field-records-file = Archivo
offer-of = { $title } de { $owner }
service-on-mesh = En la red mallada
service-on-mesh-text = Así llegan a él las demás casas de la comunidad: sus nodos y, mientras allí «Acceso desde casa» esté encendido, sus móviles y portátiles.
service-on-mesh-which = { $title } en la red mallada
type-folder = Carpeta compartida
type-printer = Impresora
type-camera = Cámara
