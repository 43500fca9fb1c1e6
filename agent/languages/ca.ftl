# Els textos de les pàgines en català.

language-name = Català

## Around every page

frame-skip = Ves al contingut
frame-brand = { $node }, inici
frame-rooms = Pàgines
frame-language = Llengua
room-home = Inici
room-services = Serveis
room-people = Persones
room-network = Xarxa
room-logs = Registres
room-settings = Ajustos
room-account = El teu compte
said-work = { $task }: { $step }
yes = Sí
no = No
copy = Copia
copy-what = Copia: { $what }
copy-done = Copiat
qr-show = Obre-ho al mòbil
qr-text = Apunta a aquesta imatge amb la càmera del mòbil. Ha de ser a la mateixa xarxa.
runs-out = caduca
ran-out = ha caducat

## Amounts

decimal-mark = ,
size-bytes = { $n } { $n ->
    [one] byte
   *[other] bytes
}
time-seconds = { $n } { $n ->
    [one] segon
   *[other] segons
}
time-minutes = { $n } { $n ->
    [one] minut
   *[other] minuts
}
time-hours = { $n } { $n ->
    [one] hora
   *[other] hores
}
time-days = { $n } { $n ->
    [one] dia
   *[other] dies
}
time-and = { $one } i { $other }
time-now = ara mateix
time-ago = fa { $time }
time-in = d’aquí a { $time }
time-moment = { $day } { $month } { $year }, { $clock } UTC
month-1 = gen.
month-2 = febr.
month-3 = març
month-4 = abr.
month-5 = maig
month-6 = juny
month-7 = jul.
month-8 = ag.
month-9 = set.
month-10 = oct.
month-11 = nov.
month-12 = des.

## How the node is

headline-asking = Mirant com estan els serveis
headline-blind = El node no pot veure els seus serveis
headline-trouble = { $things ->
    [one] Hi ha una cosa per atendre
   *[other] Hi ha { $things } coses per atendre
}
headline-moving = { $services ->
    [one] Un servei està en camí
   *[other] { $services } serveis estan en camí
}
headline-empty = Aquest node no té serveis
headline-ready = Tot està a punt
headline-fine = Tot funciona
headline-guest = { $services ->
    [0] Ara no hi ha res engegat
    [one] Hi ha un servei per a tu
   *[other] Hi ha { $services } serveis per a tu
}
detail-blind = systemd no respon des de fa { $time }. El node continua preguntant.
detail-on = { $services ->
    [one] Hi ha un servei engegat.
   *[other] Hi ha { $services } serveis engegats.
}
detail-ready = { $services ->
    [one] Pots engegar un servei.
   *[other] Es poden engegar { $services } serveis.
}
detail-off = { $services ->
    [one] Se’n pot engegar un més.
   *[other] Se’n poden engegar { $services } més.
}
effect-https-off = Les pàgines van sense xifrar, així que ningú no pot entrar
effect-no-identity = El node no té clau, així que els altres nodes no el poden reconèixer
effect-no-claim = No hi ha codi de propietat
effect-image-unknown = El node no sap amb quina imatge es va crear
effect-services-unknown = No es pot llegir la llista de serveis
effect-service-hidden = No es pot llegir el servei { $service }
effect-people-lost = La llista de persones es va malmetre i el node va canviar de propietari
effect-operations-lost = La llista del que s’ha fet es va malmetre i ha començat de nou
effect-community-lost = El que aquest node recorda de la seva comunitat estava malmès: les seves invitacions ja no valen i no s’ofereix res. El que en quedava és al costat.
effect-invitation-unfit = La invitació que es va posar abans d’engegar no es pot fer servir: està malmesa o ha caducat. Demaneu-ne una de nova.
effect-preferences-lost = El que el node recorda d’ell mateix es va malmetre
effect-firewall-stuck = No s’ha pogut ajustar el tallafoc: els ports oberts són els d’abans
effect-helper-away = L’ajudant no respon: no es pot encendre ni apagar cap servei
disk-system = Disc del sistema
disk-data = Disc de dades
disk-tight = { $disk }: queda poc espai
disk-full = { $disk }: ple
disk-left = { $free } lliures de { $total }.

## Services

kind-mesh = Xarxa mallada
kind-discovery = Descoberta
kind-storage = Emmagatzematge
kind-sharing = Intercanvi
kind-streaming = Emissió
kind-voice = Veu
kind-web = Web
kind-access = Accés
state-running = Engegat
state-starting = Arrencant
state-restarting = Tornant a arrencar
state-stopping = Aturant-se
state-off = Apagat
state-stopped = Aturat
state-failed = Ha fallat
state-missing = No instal·lat
state-unknown = No se sap
why-stopped = Hauria d’estar engegat i no ho està.
why-no-unit = No està instal·lat en aquest node.
why-masked = Està blocat: systemd té ordre de no arrencar-lo mai.
why-bad-unit-file = systemd no entén com arrencar-lo.
why-part = Una de les seves parts, { $unit }, no està bé.
why-part-because = Una de les seves parts, { $unit }, no està bé: { $why }
end-exit-code = El seu programa ha acabat amb el codi { $code }.
end-signal = El seu programa ha acabat per { $signal }.
end-timeout = Ha trigat massa.
end-watchdog = Ha deixat de respondre.
end-memory = S’ha tancat perquè faltava memòria.
end-too-often = Ha fallat massa vegades en poc temps.
end-resources = Al node li ha faltat el necessari per arrencar-lo.
end-unknown = Ha acabat i no se sap per què.
end-other = Ha acabat: { $result }.
end-restarts = S’ha tornat a arrencar { $times ->
    [one] una vegada
   *[other] { $times } vegades
}.
usage-at-least = més de { $size }
scope-loopback = només aquest node
scope-lan = xarxa de casa
scope-mesh = xarxa mallada
scope-internet = internet

## What is being done

task-switch-on = Engegar { $service }
task-switch-off = Apagar { $service }
task-restart = Reiniciar { $service }
task-configure = Canviar els ajustos de { $service }
task-rename = Canviar el nom del node de { $from } a { $to }
task-reboot = Reiniciar el node
task-power-off = Apagar el node
step-waiting = Esperant el seu torn
step-checking = Comprovant
step-writing = Escrivint els ajustos
step-enabling = Recordant-ho per a la propera arrencada
step-starting = Arrencant
step-stopping = Aturant
step-firewall = Ajustant el tallafoc
step-undoing = Deixant-ho tot com estava
standing-done = fet
standing-now = ara
standing-to-come = pendent
standing-failed = no ha funcionat
standing-left-out = omès
progress-done = Fet
progress-failed = No ha funcionat
trouble-port-taken = Un altre programa ocupa el port { $port } ({ $protocol }).
trouble-port-taken-by = El port { $port } ({ $protocol }) l’ocupa { $by }.
trouble-job-failed = { $unit } no s’ha pogut arrencar o aturar.
trouble-job-timeout = { $unit } ha trigat massa.
trouble-job-dependency = { $unit } necessita alguna cosa que no ha arrencat.
trouble-disk-full = El disc és ple.
trouble-systemd-away = systemd no respon.
trouble-helper-away = La part del node que fa els canvis no respon: { $detail }
trouble-interrupted = El node s’ha tallat a mig fer.
trouble-other = { $detail }
remedy-port-taken = Apaga el que fa servir el port i torna-ho a provar.
remedy-job-failed = El seu registre diu per què. Després, torna-ho a provar.
remedy-disk-full = Esborra el que ja no necessitis dels serveis que més guarden i torna-ho a provar.
remedy-systemd-away = Espera un minut i torna-ho a provar. Si no n’hi ha prou, reinicia el node.
remedy-helper-away = Espera un minut i torna-ho a provar. Si no n’hi ha prou, reinicia el node.
remedy-interrupted = Mira si està com vols i, si no, torna-ho a fer.
remedy-other = Torna-ho a provar. Si continua igual, l’informe d’ajuda serveix perquè altres t’ajudin.

## Refusals

refusal-sign-in-first = Primer entra amb el teu compte.
refusal-not-allowed = El teu paper no permet això. Ho pot fer un propietari del node, o et pot donar un altre paper.
refusal-wait = Massa intents equivocats. Espera { $time } i torna-ho a provar.
refusal-claimed = Aquest node ja té propietari. Entra amb el teu compte o demana-li una invitació.
refusal-no-ticket = Falta el codi de propietat, o fa massa que el vas donar. Torna’l a donar.
refusal-no-such = Això no existeix, o ja no. Els enllaços serveixen una vegada i caduquen al cap de set dies.
refusal-fields = Hi ha alguna cosa que encara no encaixa. Mira els camps marcats.
refusal-busy = El node encara hi treballa. Espera que acabi.
refusal-full = Ja n’hi ha tants com n’hi pot haver. Treu-ne algun que no calgui.
refusal-already = Ja és així.
refusal-not-saved = No s’ha pogut desar, així que res no ha canviat: { $detail }
refusal-no-community = Aquest node no és en cap comunitat. Funda’n una, o uneix-te a una amb una invitació.
refusal-invitation-scheme = Una invitació comença per «nuvol:». Copia-la sencera.
refusal-invitation-damaged = Falta una part de la invitació, o hi ha una lletra equivocada. Copia-la sencera un altre cop.
refusal-invitation-later = Aquesta invitació és d’una versió posterior de Nuvol. Actualitza primer aquest node.
refusal-invitation-expired = Aquesta invitació ha caducat. Demana’n una altra.
refusal-not-offered = Aquest servei no serveix a altri, de manera que no se’ls pot oferir.
unfit-name-taken = Aquí ja hi ha algú amb aquest nom. Tria’n un altre.
unfit-last-owner = El node necessita un propietari. Abans, fes propietària una altra persona.
unfitting-empty = No pot quedar buit.
unfitting-too-long = Massa llarg: { $limit } caràcters com a molt.
unfitting-too-short = Massa curt: { $least } caràcters com a mínim.
unfitting-hidden = Té caràcters que no es veuen. Torna’l a escriure.
unfitting-guessable = Massa fàcil d’endevinar. Unes quantes paraules seguides es recorden bé i s’endevinen malament.
unfitting-different = Les dues contrasenyes no coincideixen.
wrong-code = Aquest no és el codi de propietat. Compara’l lletra per lletra amb la pantalla del node.
wrong-password = El nom o la contrasenya no són correctes.
wrong-old-password = Aquesta no és la teva contrasenya actual.
wrong-place = «{ $place }» no és un lloc on es pugui trucar. Escriu un nom o una adreça, dos punts i un port: casa.example.org:655
wrong-type = Un tipus comença per _ i acaba en ._tcp o ._udp: _http._tcp és una pàgina web.
wrong-host = Això no és cap adreça ni cap nom. Escriu-ho sense http:// i sense el port: 10.1.2.3 o fotos.example.org
wrong-port = Un port és un nombre de l’1 al 65535.
wrong-txt = El que se’n diu als programes no encaixa: { $why }
wrong-offered = En aquesta adreça i aquest port ja s’ofereix el mateix tipus. Per canviar-ne el títol, primer deixa d’oferir-lo.
wrong-record = Registre { $record }, camp «{ $field }»
wrong-records = Això no és cap llista de registres: no es pot llegir a partir de la línia { $line }, columna { $column }. Una llista comença per [ i acaba en ].
wrong-records-more = N’hi ha { $more } més que no encaixen.
wrong-file-missing = Tria un fitxer, o enganxa els registres.
wrong-file-both = Hi ha un fitxer i també registres enganxats. Buida el camp, o envia’l sense el fitxer.
wrong-file-no-text = Aquest fitxer no és text. Els registres de Cloudy són text, en JSON.
wrong-file-too-large = És massa gran: { $size } com a molt. Treu-ne registres, o escurça’n el camp «t».
wrong-too-many = N’hi pot haver { $limit } com a màxim.
wrong-nothing-chosen = Tria una opció.
field-unknown = Aquest ajust no existeix.
field-node-name = Un nom té minúscules, xifres i guionets.
field-not-a-number = No és un nombre enter.
field-too-small = Com a mínim, { $min }.
field-too-large = Com a màxim, { $max }.

## Signing in, claiming, joining

sign-in-title = Entra a { $node }
sign-in-button = Entra
sign-in-forgotten = Has oblidat la contrasenya? Qualsevol propietari del node et pot fer un enllaç per posar-ne una altra.
field-name = Nom
field-password = Contrasenya
field-new-password = Contrasenya nova
field-old-password = Contrasenya actual
field-again = La mateixa contrasenya una altra vegada
field-password-hint = Almenys { $least } caràcters. Unes quantes paraules seguides van bé.
field-your-name = El teu nom
field-your-name-hint = Com et coneixen aquí. Hi entraràs amb aquest nom.
field-code = Codi de propietat
field-code-hint = Les majúscules i els guionets tant se val.
claim-step-1 = Pas 1 de 2
claim-step-2 = Pas 2 de 2
claim-title = Fes teu aquest node
claim-text = Aquest node encara no és de ningú. Qui en tingui el codi de propietat en serà el propietari.
claim-where = El codi és a la pantalla del node. Si en vas posar un abans de la primera arrencada, fes servir aquest.
claim-lost-title = Recupera aquest node
claim-lost-text = La llista de persones d’aquest node s’ha malmès. Els serveis i els seus fitxers encara hi són, però ningú no pot entrar. Qui tingui el nou codi de propietat en serà el propietari.
claim-next = Següent
claim-owner-title = Qui ets?
claim-owner-text = El codi és correcte. Tria un nom i una contrasenya: el node serà teu.
claim-button = Fes-me propietari
join-title = T’han convidat a { $node }
join-text = El teu paper serà: { $role }. { $means }
join-button = Uneix-t’hi
join-password-title = Una contrasenya nova per a { $name }
join-password-text = Tria una contrasenya nova. Es tancarà la teva sessió a tot arreu i les teves claus per a programes deixaran de valer.
join-password-button = Posa la contrasenya
claim-warning = El navegador t’avisarà una vegada: el certificat l’ha fet el mateix node, perquè cap autoritat no coneix els nodes de casa. Compara l’empremta de sota i deixa que el navegador continuï.
fingerprint-title = Empremta del certificat
fingerprint-summary = És de debò el teu node?
fingerprint-text = La pantalla del node mostra la mateixa empremta (SHA-256). Si el teu navegador també la mostra, no hi ha ningú al mig.

## Home

home-attention = Per atendre
home-work = En marxa
home-services = Per fer servir
home-empty = Encara no hi ha res engegat. El que engegui el propietari sortirà aquí.
home-empty-owner = Encara no hi ha res engegat. Engega el primer servei i la seva adreça sortirà aquí.
home-empty-link = Tria un servei

## Pages of services

services-lead = El que sap fer aquest node. El que engeguis continuarà engegat després de reiniciar.
services-empty = Aquesta imatge no té serveis. Les que en tenen els anomenen al seu perfil.
service-state = Estat
service-last = L’última cosa
service-restart = Reinicia
service-addresses = On és
service-settings = Ajustos
service-settings-save = Desa
service-settings-note = Si el servei està engegat, es reinicia amb els ajustos nous.
service-details = Detalls
service-kind = Tipus
service-keeps = Al disc
service-memory = A la memòria
service-shown = Creades pel servei
service-shown-open = Mostra-les
service-shown-note = El servei les va crear en la primera arrencada. Només les veuen els propietaris.
service-port = Port { $port }
service-log = Llegeix-ne el registre
log-title = Registre de { $service }
log-lead = { $lines ->
    [one] L’última línia, en UTC.
   *[other] Les últimes { $lines } línies, en UTC. La més nova és a baix.
}
log-empty = Encara no ha escrit res. Quan funcioni, aquí en veuràs les línies.
log-again = Torna a llegir
level-error = Error
level-warning = Avís

## People

people-lead = Totes les persones amb compte en aquest node.
people-here = Comptes
people-you = tu
people-since = s’hi va afegir
people-manage = Gestiona
people-manage-who = Gestiona { $name }
people-role-save = Canvia el paper
people-own = La teva contrasenya i les teves sessions
people-reset = Fes un enllaç per a una altra contrasenya
people-invitations = Invitacions obertes
people-invitations-empty = Ara no hi ha ningú convidat. Una invitació és un enllaç que serveix una vegada, durant set dies.
people-invite = Convida algú
people-invite-button = Fes un enllaç
role-guest = convidat
role-member = membre
role-owner = propietari
role-guest-means = Veu quins serveis estan engegats i els fa servir.
role-member-means = A més, veu com està el node. No canvia res.
role-owner-means = Porta el node: engega i apaga serveis, convida i treu persones.
field-role = Paper
field-note = Per a qui
field-note-hint = Aquesta nota només la veuen els propietaris. Serveix per distingir les invitacions.
invitation-nameless = Sense nota
invitation-role = paper: { $role }
invitation-password = contrasenya nova per a { $name }
invitation-revoke = Retira
invitation-revoke-which = Retira la invitació: { $title }
fresh-link-title = L’enllaç està a punt
fresh-link-text = Només es mostra aquesta vegada. Envia’l a qui toqui: serveix una vegada, durant set dies.

## Account

account-sign-out = Surt
account-sessions = On tens la sessió oberta
account-here = aquest navegador
account-end = Tanca-la allà
account-end-which = Tanca la sessió a: { $browser }
session-nameless = Navegador desconegut
account-password = Canvia la contrasenya
account-password-changed = Has canviat la contrasenya. La teva sessió s’ha tancat a tots els altres llocs.
account-password-button = Canvia la contrasenya
account-password-note = Es tancarà la teva sessió a tots els altres llocs i les teves claus per a programes deixaran de valer: fes-ne de noves després.
account-tokens = Claus per a programes
account-tokens-empty = Amb una clau, un programa teu fa servir l’API del node en nom teu. No en tens cap.
token-new = Clau nova
token-button = Crea la clau
token-revoke = Retira
token-revoke-which = Retira la clau: { $title }
token-no-end = no caduca
token-scope-read = veure com està el node
token-scope-services = engegar, apagar i ajustar serveis
token-scope-people = convidar i treure persones
token-scope-node = canviar el nom del node, reiniciar-lo i apagar-lo
field-token-title = Per a què és
field-token-title-hint = Per exemple: còpies de seguretat del portàtil.
field-scopes = Què pot fer
field-days = Validesa
fresh-token-title = La clau està a punt
fresh-token-text = Només es mostra aquesta vegada. Posa-la on la trobi el programa.

## Network

network-pages = Aquestes pàgines
network-pages-text = Des de la xarxa de casa, aquest node és a:
network-ports = Ports oberts
network-ports-empty = No hi ha serveis engegats, així que cap no té ports oberts.
network-name = Nom del node
network-name-text = El nom nou val d’entrada dos minuts. Confirma’l des d’una pàgina amb el nom nou; si no ho fas, torna sol el d’abans.
network-name-button = Prova el nom nou
network-key = La clau del node, per la qual el reconeixen els altres nodes:
field-node-name-label = Nom
field-node-name-hint = Minúscules, xifres i guionets.
scope-lan-means = Hi arriba tothom de la xarxa de casa.
scope-mesh-means = Hi arriben els membres de la teva xarxa mallada.
scope-internet-means = Hi arriba tothom si el teu encaminador els deixa passar.
trial-label = Canvi a prova
trial-name = El node es diu ara { $to } en lloc de { $from }. Funciona?
trial-service = { $service }: ara està apagat. Encara arribes a aquesta pàgina?
trial-left = Tornarà enrere sol d’aquí a { $time }.
trial-keep = Deixa-ho així
trial-back = Torna enrere

## Logs and diagnosis

logs-title = Registres i diagnòstic
logs-lead = Què va malament, què s’ha fet i què escriuen els serveis.
logs-problems = Problemes del node
logs-no-problems = No n’hi ha cap.
logs-room = Espai als discs
logs-used = Ocupat: { $disk }
logs-kept = El que guarden els serveis
logs-history = L’últim que s’ha fet
logs-history-empty = Encara no s’ha fet res. Quan algú engegui o canviï alguna cosa, quedarà anotat aquí.
logs-services = Registres dels serveis
report-title = Informe d’ajuda
report-lead = Un text sobre aquest node per a qui t’ajudi. El veus abans de compartir-lo.
report-open = Mira l’informe
report-text = Res no surt d’aquest node tot sol. L’informe no anomena ningú; llegeix-lo i després copia’l.
operation-progress = Progrés
operation-steps = Pas a pas
operation-leave = Pots sortir d’aquesta pàgina: el node continua.
operation-service = Ves a { $service }
operation-by = Ho va demanar
operation-since = Va començar
operation-took = Va trigar

## Settings

settings-title = Ajustos i informació
settings-node = Aquest node
settings-image = Imatge
settings-agent = Agent
settings-uptime = Engegat des de fa
settings-rename = Canvia el nom
settings-power = Reinicia o apaga
settings-power-text = Mentre el node està apagat no es pot arribar a cap dels seus serveis.
power-reboot = Reinicia
power-off = Apaga
settings-licences = Llicències
settings-licences-text = Nuvol és programari lliure amb llicència MIT o Apache 2.0, com prefereixis. Les pàgines fan servir htmx (Zero-Clause BSD). La llicència de cadascun dels altres programes d’aquest node és aquí:

## Questions and dead ends

confirm-back = Deixa-ho com està
confirm-remove = Vols treure { $name }?
confirm-remove-text = Es tancaran totes les sessions de { $name }, que no podrà tornar. Les seves claus i les invitacions que va fer deixaran de servir. El que guarda als serveis s’hi queda.
confirm-remove-button = Treu { $name }
confirm-own-role = Vols deixar de ser propietari?
confirm-own-role-text = Ja no podràs canviar aquest node. Només un altre propietari et pot tornar a fer propietari.
confirm-own-role-button = Deixa de ser-ho
confirm-reboot = Vols reiniciar { $node }?
confirm-reboot-text = El node trigarà un minut o dos a tornar. Els serveis engegats tornen sols.
confirm-off = Vols apagar { $node }?
confirm-off-text = Per tornar-lo a engegar, algú haurà de prémer el seu botó.
confirm-switch-off = Vols apagar { $service }?
confirm-switch-off-text = Potser arribes a aquest node gràcies a { $service }. Assegura’t de tenir un altre camí.
confirm-switch-off-trial = Tornarà tot sol al cap de dos minuts, si no dius que encara s’arriba al node.
confirm-switch-off-button = Apaga { $service }
not-found-title = Aquesta pàgina no existeix
not-found-text = Potser l’enllaç és antic o es va copiar incomplet.
refused-title = No ha pogut ser
refused-not-yours = Aquesta pàgina no és per a tu
refused-gone = Això ja no hi és
refused-wait = Una petita pausa
refused-claimed = Aquest node té propietari
problem-home = Torna a l’inici
problem-sign-in = Entra

## The image's own texts

service-avahi-title = Descoberta local
service-avahi-summary = Fa que aquest node i els seus serveis es trobin pel nom a la xarxa local
service-ssh-title = Consola remota
service-ssh-summary = Entra des d’un altre ordinador amb una clau
service-tinc-title = Xarxa mallada
service-tinc-summary = Una xarxa privada entre les cases d’una comunitat
service-home-access-title = Accés des de casa
service-home-access-summary = Deixa que mòbils i portàtils de casa arribin al que ofereix la comunitat
service-tahoe-lafs-summary = Fitxers repartits entre nodes d’amics: cap no els pot perdre ni llegir tot sol
service-syncthing-summary = Mantén carpetes iguals als teus dispositius i a nodes d’amics
service-syncthing-setting-node-name = Nom d’aquest node
service-syncthing-setting-node-name-hint = Com l’anomenen els teus altres dispositius. Buit vol dir el nom del mateix node.
service-syncthing-setting-send-limit = Velocitat màxima d’enviament
service-syncthing-setting-send-limit-hint = 0 vol dir tan de pressa com doni la línia.
service-syncthing-setting-receive-limit = Velocitat màxima de recepció
service-syncthing-setting-receive-limit-hint = 0 vol dir tan de pressa com doni la línia.
service-transmission-summary = Comparteix i baixa fitxers grossos amb BitTorrent
service-transmission-setting-download-limit = Velocitat màxima de baixada
service-transmission-setting-download-limit-hint = 0 vol dir tan de pressa com doni la línia.
service-transmission-setting-upload-limit = Velocitat màxima de pujada
service-transmission-setting-upload-limit-hint = 0 vol dir tan de pressa com doni la línia.
service-transmission-setting-ratio = Comparteix fins que hagi tornat
service-transmission-setting-ratio-hint = 100 % és tant com ha baixat. 0 vol dir per sempre.
service-transmission-setting-encryption = Connexions xifrades
service-transmission-setting-encryption-tolerated = Si l’altra banda vol
service-transmission-setting-encryption-preferred = On es pugui
service-transmission-setting-encryption-required = Sempre
service-icecast-summary = La teva pròpia emissora de ràdio
service-icecast-setting-location = On és l’emissora
service-icecast-setting-contact = A qui cal escriure
service-icecast-setting-listeners = Oients com a màxim
service-icecast-shown-source-password = Contrasenya per emetre
service-icecast-shown-admin-password = Contrasenya de l’usuari admin
service-mumble-summary = Converses de veu en grup
service-mumble-setting-room = Nom de la sala principal
service-mumble-setting-room-hint = Buit vol dir Root.
service-mumble-setting-welcome = Text de benvinguda
service-mumble-setting-users = Persones com a màxim
service-mumble-setting-password = Contrasenya per a tothom
service-mumble-setting-password-hint = Buida vol dir que no se’n demana cap.
service-nginx-title = Lloc web
service-nginx-summary = Publica pàgines i fitxers teus
service-nginx-setting-list-folders = Mostra què hi ha en una carpeta
service-nginx-setting-list-folders-hint = Si una carpeta no té index.html, qui la visiti en veurà els fitxers.

## La comunitat

room-community = Comunitat
community-lead = Una comunitat són cases que comparteixen serveis en una xarxa pròpia. Ningú més no hi entra, i no és de cap empresa.
community-lead-in = El que les cases d’aquesta comunitat s’ofereixen les unes a les altres.
community-fresh = La invitació
community-fresh-text = Envia-la a qui convides per una via de confiança. Només es mostra aquesta vegada. S’enganxa a la pàgina «Comunitat» del seu propi node.
community-search = Cerca
community-search-button = Cerca
community-type = Tipus de servei
community-type-all = Tots els tipus
community-joining = Unir-se
community-stop-joining = Atura
community-expelled = Aquest node va ser expulsat. Veus l’últim que va saber.
community-offers = Serveis
community-offers-empty = Encara no s’ofereix res. A cada servei d’un node es tria qui el veu.
community-offers-none = Res d’aquí no té aquestes paraules.
community-members = Cases
community-this-node = aquest node
community-waiting = Volen unir-se
community-admit = Deixa entrar
community-admit-who = Deixa entrar: { $name }
community-decline = Rebutja
community-decline-who = Rebutja: { $name }
community-join = Uneix-te a una comunitat
community-join-text = Algú que ja n’és et fa una invitació. Enganxa-la aquí.
community-join-button = Uneix-t’hi
community-found = Funda una comunitat
community-found-text = Aquest node en serà la primera casa, i tu convides les altres.
community-found-button = Funda
community-invite = Convida una altra casa
community-invite-role = Què pot fer
community-invite-approve = Pregunta’m abans de deixar entrar cadascuna
community-invite-button = Fes una invitació
community-invitation-uses = { $used } a dins, en queden { $left }
community-places = Des de fora
community-places-button = Desa
community-leave = Deixa la comunitat
community-leave-text = Les altres deixen de veure aquest node i els seus serveis. Les que va convidar s’hi queden. Per tornar-hi, aquest node necessita una altra invitació.
community-leave-button = Deixa-la
community-fingerprint = Empremta
community-address = Adreça
community-inviter = Convidada per
community-since = A dins des de
community-expel = Expulsa
community-expel-text = Perd de seguida i per sempre el camí a les altres: cap invitació no fa tornar aquest node.
community-expel-invited = Expulsa també les que va convidar
community-expel-button = Expulsa { $name }
confirm-expel = Vols expulsar { $name }?
confirm-expel-text = { $name } perd de seguida el camí a les altres i no pot tornar.
confirm-leave = Vols deixar { $community }?
field-invitation = Invitació
field-community-name = Nom de la comunitat
field-uses = Per a quantes cases
field-invitation-days = Per a quants dies
field-places = Nom o adreça, i port
field-places-hint = Si el teu encaminador passa el port 655 a aquest node, les altres poden trucar-hi. Exemple: casa.example.org:655. Si no, deixa-ho buit: els nodes de les altres hi ajuden.
joining-calling = S’està trucant a qui et va convidar.
joining-unreachable = Qui et va convidar no contesta. Es torna a provar una vegada i una altra; el seu node ha d’estar engegat.
joining-waiting = Ja saben de tu. Algú d’allà ha de dir que sí.
joining-unknown = No coneixen aquesta invitació, o la van retirar. Demana’n una altra.
joining-used = Aquesta invitació ja s’ha fet servir. Demana’n una altra.
joining-expired = Aquesta invitació ha caducat. Demana’n una altra.
joining-declined = Van rebutjar aquest node.
joining-expelled = Aquest node va ser expulsat d’aquella comunitat.
joining-powerless = Qui et va convidar ja no pot deixar entrar ningú. Demana-ho a algú altre d’allà.
member-role-guest = Convidada
member-role-guest-means = Fa servir i ofereix serveis.
member-role-member = Membre
member-role-member-means = A més convida altres cases.
member-role-steward = Cuidadora
member-role-steward-means = A més expulsa altres cases.
member-up = contesta
member-up-in = contesta en { $ms } ms
member-unheard = encara no se’n sap res
member-down = fora d’abast des de { $when }
path-direct = s’hi arriba directament
path-relayed = s’hi arriba a través d’altres
path-relayed-by = s’hi arriba a través de { $name }
path-none = no hi ha camí
path-cannot-connect = no hi ha camí: no s’hi pot trucar
path-no-answer = no hi ha camí: no contesta
path-not-believed = no hi ha camí: a la seva adreça n’hi ha una altra
path-hung-up = no hi ha camí: penja
type-web = Pàgina web
type-radio = Ràdio
type-ssh = Accés remot
audience-title = Qui el veu
audience-legend = Aquest servei es mostra a
audience-me = Només la gent d’aquest node
audience-me-means = Ningú més no en sap res.
audience-household = La xarxa de casa
audience-household-means = Els aparells de casa el troben sols.
audience-community = La comunitat
audience-community-means = Totes les cases de la comunitat el troben i el fan servir, i la xarxa de casa també.
audience-no-community = Aquest node encara no és en cap comunitat.
audience-save = Desa
community-near = A la xarxa de casa
community-mesh-text = Les adreces entre claudàtors són a la malla: els nodes hi arriben; els mòbils i portàtils de casa, mentre «Accés des de casa» estigui engegat.
community-near-text = El que aparells i programes de casa diuen d’ells mateixos. Ningú no en respon.
community-unverified = sense verificar
community-near-silent = no contesta

## Services of other machines

machines-title = Serveis d’altres màquines
machines-lead = El que no és cap node també es pot oferir: un disc, una càmera, un node d’un núvol comunitari més antic. Aquest node en respon.
machines-link = Un disc, una càmera: ofereix el que no és cap node
machines-offered = S’ofereixen
machines-empty = No s’ofereix res d’una altra màquina.
machines-withdraw = Deixa d’oferir
machines-withdraw-which = Deixa d’oferir: { $which }
machines-add = Ofereix un servei
machines-add-button = Ofereix
machines-import = Importa registres de Cloudy
machines-import-text = El que anomenen s’ofereix en lloc de tot el que hi ha a la llista de dalt, i aquest node en respon. Amb una llista buida, [], ja no s’ofereix res.
machines-import-button = Substitueix la llista
machines-export = Exporta
machines-export-text = Tot el que ofereixen els membres de la comunitat, en els camps dels registres de Cloudy.
machines-export-button = Baixa
field-machine-title = Títol
field-machine-title-hint = Com el coneixen les altres cases, per exemple: Fotos de Can Xirgu.
field-machine-type = Tipus
field-machine-type-hint = Com el coneixen els programes: tria’n un, o escriu-ne un altre d’aquesta forma.
field-machine-host = Nom o adreça
field-machine-host-hint = Per on hi arriben les altres cases. Una adreça com ara 192.168.1.20 només funciona a casa teva.
field-machine-port = Port
field-records = O enganxa els registres aquí
field-records-file = Fitxer
offer-of = { $title } de { $owner }
service-on-mesh = A la xarxa mallada
service-on-mesh-text = Així hi arriben les altres cases de la comunitat: els seus nodes i, mentre allà «Accés des de casa» estigui engegat, els seus mòbils i portàtils.
service-on-mesh-which = { $title } a la xarxa mallada
type-folder = Carpeta compartida
type-printer = Impressora
type-camera = Càmera
